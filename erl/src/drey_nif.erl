%% @doc The engine inside this VM: what priv/drey_nif.so exports. Only {@link drey_local} calls it; users call
%% {@link drey}.
%%
%% A call is submitted and answers later, exactly once, with the message `{drey_reply, Ref, Answer}' to the
%% process that submitted it; no scheduler waits for a device. When that process dies, the call is cancelled.
%%
%% The module loads whether or not the library does, so that a missing library is an answer
%% (`{error, #{reason => nif_not_loaded}}') and not a crash of whoever called.
-module(drey_nif).

-export([submit/3, cancel/1, exports/2]).
-export([load/0]).

-on_load(init/0).

%% Agreed with the library; one that speaks another version answers every call with the reason nif_version.
-define(VERSION, 1).
-define(PROBLEM, {?MODULE, problem}).  % the answer of every call while there is no library

-spec init() -> ok.
init() ->
    Info = #{version => ?VERSION, node => atom_to_binary(node())},
    case erlang:load_nif(path(), Info) of
        ok -> persistent_term:erase(?PROBLEM), ok;
        {error, {_, Text}} -> persistent_term:put(?PROBLEM, not_loaded(Text))
    end.

%% @doc Tries once more to load the library, for a VM that was started before it was built.
-spec load() -> ok | {error, drey_error:t()}.
load() ->
    case persistent_term:get(?PROBLEM, none) of
        none ->
            ok;
        _ ->
            _ = code:purge(?MODULE),
            {module, ?MODULE} = code:load_file(?MODULE),
            persistent_term:get(?PROBLEM, ok)
    end.

%% @doc Starts `drey:Function' with `Args'. `Ref' comes back in the answer.
-spec submit(reference(), atom(), [term()]) -> {ok, integer()} | {error, drey_error:t()}.
submit(_Ref, _Function, _Args) ->
    persistent_term:get(?PROBLEM).

%% @doc Asks a call to stop; it still answers, soon. Unknown and finished tickets are ignored.
-spec cancel(integer()) -> ok.
cancel(_Ticket) ->
    ok.

%% @doc Whether the library knows the call.
-spec exports(atom(), arity()) -> boolean().
exports(_Function, _Arity) ->
    false.

not_loaded(Text) ->
    drey_error:new(nif_not_loaded,
                   "~ts.so does not load: ~ts. Build it with ./dev build in Drey's source folder, or sample on "
                   "a drey_node: drey:sample(Node, Model, Opts)", [path(), Text]).

path() ->
    filename:join(drey_priv:dir(), "drey_nif").
