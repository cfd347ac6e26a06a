#!/bin/sh
# ./run PROGRAM [ARGUMENT...]: a program of this bundle with the bundle's libraries. Started in the bundle's folder,
# where tests and benches find their data; a relative path among the arguments is relative to it.
here=$(cd "$(dirname "$0")" && pwd)
program=${1:-}
for name in "$program" "drey_bench_$program" "drey_${program}_tests"; do
  if [ -n "$program" ] && [ -x "$here/bin/$name" ]; then
    shift
    cd "$here" || exit 1
    path=$here/lib
    for fallback in "$here"/lib/fallback/*; do
      ldconfig -p 2>/dev/null | grep -q "${fallback##*/} " || path=$path:$fallback
    done
    LD_LIBRARY_PATH=$path${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
    export LD_LIBRARY_PATH
    exec "bin/$name" "$@"
  fi
done
echo "usage: $0 PROGRAM [ARGUMENT...], a program being one of:" >&2
ls "$here/bin" >&2
exit 2
