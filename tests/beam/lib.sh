# Sourced by the suites: a place of their own (an epmd on a private port, a home with a cookie, a folder for what
# they write) that is gone when they end. Only processes started here are ended, each by its id.
# shellcheck shell=bash
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
place=$(mktemp -d "${TMPDIR:-/tmp}/drey-beam.XXXXXX")
pids=()

leave() {
  local status=$? pid
  trap - EXIT INT TERM
  for pid in "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do
    for _ in {1..50}; do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
    kill -KILL "$pid" 2>/dev/null || true
  done
  ((status == 0)) || tail -n 20 "$place"/*.err >&2 2>/dev/null || true
  rm -rf "$place"
  exit "$status"
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# What the caller's own Erlang is told is not meant for these.
unset ERL_AFLAGS ERL_FLAGS ERL_ZFLAGS ERL_LIBS ELIXIR_ERL_OPTIONS DREY_COOKIE ERL_EPMD_PORT
# Another OTP than the one that the programs were built with: a folder with bin/erl.
if [[ -n ${OTP_ROOT:-} ]]; then
  [[ -x $OTP_ROOT/bin/erl ]] || { echo "OTP_ROOT: there is no $OTP_ROOT/bin/erl" >&2; exit 1; }
  PATH=$(cd "$OTP_ROOT" && pwd)/bin:$PATH
  echo "with OTP $(HOME=$place erl -noshell -eval 'io:put_chars(erlang:system_info(otp_release)), halt().')"
fi
# Compiled kernels stay where they are cached; everything else of the home is private.
export XDG_CACHE_HOME=${XDG_CACHE_HOME:-${HOME:-$root/build/home}/.cache}
export MIX_HOME=${MIX_HOME:-${HOME:-$root/build/home}/.mix}
export HOME=$place ERL_CRASH_DUMP=$place/erl_crash.dump
export LP_NUM_THREADS=${LP_NUM_THREADS:-1}
case ${LC_ALL:-${LANG:-}} in *UTF-8 | *utf8) ;; *) export LC_ALL=C.UTF-8 ;; esac
(umask 077 && head -c 18 /dev/urandom | base64 | tr -d '/+=\n' >"$place/.erlang.cookie")
chmod 400 "$place/.erlang.cookie"

# Whether the installed Elixir runs on this OTP: each is built for a few.
elixir_runs() { elixir -e ':ok' >/dev/null 2>&1; }

background() {  # log command...: its process id in $started
  local log=$1
  shift
  "$@" </dev/null >"$place/$log.out" 2>"$place/$log.err" &
  started=$!
  pids+=("$started")
}

private_epmd() {
  local try
  for try in {1..20}; do
    export ERL_EPMD_PORT=$((20000 + (RANDOM + try) % 20000))
    background epmd epmd -address 127.0.0.1 -port "$ERL_EPMD_PORT"
    sleep 0.2
    kill -0 "$started" 2>/dev/null && return
  done
  echo "no port for a private epmd" >&2
  return 1
}

wait_for_line() {  # pattern log pid
  for _ in {1..300}; do
    grep -qs "$1" "$place/$2.out" && return
    kill -0 "$3" 2>/dev/null || break
    sleep 0.1
  done
  echo "$2 did not say '$1'; it said:" >&2
  cat "$place/$2.out" "$place/$2.err" >&2
  return 1
}

drey_node() {  # name [option...]: returns when it is ready
  local name=$1
  shift
  [[ " $* " == *" --dist-ports "* ]] || set -- --dist-ports 19100-19200 "$@"
  background "$name" "$root/priv/drey_node" --name "$name@127.0.0.1" "$@"
  wait_for_line '^drey_node ready' "$name" "$started"
}

compile() {  # module...: those of this folder, into $place
  local module
  # What another OTP warns of is not of these tests.
  local strict=-Werror
  [[ -z ${OTP_ROOT:-} ]] || strict=-W0
  for module in "$@"; do erlc $strict -o "$place" "$root/tests/beam/$module.erl"; done
}

# A VM with the application drey on its path.
beam() { erl -noinput +Bd -pa "$root/erl/_build/default/lib/drey/ebin" -pa "$place" "$@"; }
