%% @doc The OTP application `drey'. It starts no engine: the NIF is loaded by the first call that needs it, so
%% a coordinator that only calls other nodes never touches a device.
-module(drey_app).

-behaviour(application).

-export([start/2, stop/1]).

-spec start(application:start_type(), term()) -> {ok, pid()} | {error, term()}.
start(_Type, _Args) ->
    drey_sup:start_link().

-spec stop(term()) -> ok.
stop(_State) ->
    ok.
