# Erlang::ei (the erl_interface library) and Erlang::erts (the headers of a NIF).
# DREY_ERLANG_ROOT and DREY_ERTS_INCLUDE override what `erl` says.

find_program(ERL_PROGRAM erl)
if(ERL_PROGRAM AND NOT DREY_ERLANG_ROOT)
  execute_process(COMMAND ${ERL_PROGRAM} -noshell -eval "io:put_chars(code:root_dir()), halt()."
                  OUTPUT_VARIABLE erlang_root)
  set(DREY_ERLANG_ROOT ${erlang_root} CACHE PATH "Where Erlang/OTP is installed")
endif()
file(GLOB erts_dirs ${DREY_ERLANG_ROOT}/erts-*/include ${DREY_ERLANG_ROOT}/usr/include)
find_path(DREY_ERTS_INCLUDE erl_nif.h PATHS ${erts_dirs})
file(GLOB ei_dirs ${DREY_ERLANG_ROOT}/lib/erl_interface-* ${DREY_ERLANG_ROOT}/usr)
find_path(EI_INCLUDE ei.h PATHS ${ei_dirs} PATH_SUFFIXES include)
find_library(EI_LIBRARY ei PATHS ${ei_dirs} PATH_SUFFIXES lib)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Erlang REQUIRED_VARS EI_LIBRARY EI_INCLUDE DREY_ERTS_INCLUDE)
if(Erlang_FOUND AND NOT TARGET Erlang::ei)
  add_library(Erlang::ei UNKNOWN IMPORTED)
  set_target_properties(Erlang::ei PROPERTIES IMPORTED_LOCATION ${EI_LIBRARY}
                        INTERFACE_INCLUDE_DIRECTORIES ${EI_INCLUDE})
  add_library(Erlang::erts INTERFACE IMPORTED)
  set_target_properties(Erlang::erts PROPERTIES INTERFACE_INCLUDE_DIRECTORIES ${DREY_ERTS_INCLUDE})
endif()
