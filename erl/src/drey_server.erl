%% @doc The process registered as `drey': `GenServer.call({drey, Node}, {sample, Model, Opts}, Timeout)' has the
%% answer of `drey:sample(Model, Opts)', from a BEAM as from a drey_node.
%%
%% It computes nothing: each call runs in a process of its own, which is cancelled when its caller dies, so that
%% calls do not wait for one another.
-module(drey_server).

-behaviour(gen_server).

-export([start_link/0]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).

-spec start_link() -> {ok, pid()} | {error, term()} | ignore.
start_link() ->
    gen_server:start_link({local, drey}, ?MODULE, [], []).

-spec init([]) -> {ok, nil}.
init([]) ->
    {ok, nil}.

-spec handle_call(term(), gen_server:from(), nil) -> {reply, term(), nil} | {noreply, nil}.
handle_call(Request, {Caller, _} = From, State) ->
    case parse(Request) of
        {ok, Function, Args} ->
            _ = spawn(fun() -> gen_server:reply(From, drey_local:call(Function, Args, Caller)) end),
            {noreply, State};
        error ->
            {reply, drey_error:new(undef, "drey has no call ~0tP; a request is {Function, Argument...}, such as "
                                          "{sample, Model, Options}", [Request, 8]), State}
    end.

-spec handle_cast(term(), nil) -> {noreply, nil}.
handle_cast(_Request, State) ->
    {noreply, State}.

-spec handle_info(term(), nil) -> {noreply, nil}.
handle_info(_Message, State) ->
    {noreply, State}.

%% `info', `{info}' and `{sample, Model, Opts}'; only the calls of the contract.
parse(Function) when is_atom(Function) ->
    parse({Function});
parse(Request) when is_tuple(Request), tuple_size(Request) > 0 ->
    [Function | Args] = tuple_to_list(Request),
    case is_atom(Function) andalso lists:member({Function, length(Args)}, drey:calls()) of
        true -> {ok, Function, Args};
        false -> error
    end;
parse(_) ->
    error.
