%% @doc One run on several nodes: warm up once, hand the tuning to all, split the chains, join the draws.
%%
%% A chain's draws depend on the model, the seed, its global number and the tuning, not on who ran it. So the
%% result is that of one node running all chains, whatever the nodes, and the chains of a node that was lost are
%% simply run again by another. The work is cut in chunks of chains: a node that is done takes the next, so that a
%% fast one comes to more.
-module(drey_cluster).

-export([nodes_option/1, sample/3, chunks/2]).

-define(LANES, 64).  % of a CPU in software; a chunk of fewer chains would leave some idle
-define(DEFAULT_CHAINS, ?LANES).  % who has GPUs names a larger number

-type chunk() :: {First :: non_neg_integer(), Count :: pos_integer()}.

%% @doc Takes the option `nodes' out of the options, which come back as a map when it was there.
-spec nodes_option(drey:opts()) -> {[node()], drey:opts()}.
nodes_option(#{nodes := Nodes} = Opts) -> {Nodes, maps:remove(nodes, Opts)};
nodes_option(Opts) when is_list(Opts) ->
    case as_map(Opts) of
        #{nodes := _} = Map -> nodes_option(Map);
        _ -> {[], Opts}  % what is no property list, the engine refuses with a better message
    end;
nodes_option(Opts) -> {[], Opts}.

%% @doc As drey:sample/2, on `Nodes'. The result has one key more, `nodes': who ran which chains, on what
%% device, in what time.
-spec sample([node()], drey:model(), drey:opts()) -> drey:answer(drey:result()).
sample(Nodes, Model, Opts0) ->
    case as_map(Opts0) of
        #{} = Given ->
            Opts = maps:merge(#{chains => ?DEFAULT_CHAINS, seed => fresh_seed(), first_chain => 0}, Given),
            case {are_nodes(Nodes), Opts} of
                {true, #{chains := Chains, first_chain := First}}
                  when is_integer(Chains), Chains > 0, is_integer(First), First >= 0 ->
                    warm(Nodes, Model, Opts);
                {true, _} ->
                    drey_error:new(bad_option, "chains is an integer from 1, first_chain an integer from 0; found ~0tP "
                                               "and ~0tP", [maps:get(chains, Opts), 8, maps:get(first_chain, Opts), 8]);
                {false, _} ->
                    drey_error:new(bad_option, "nodes is a list of at least one node name; found ~0tP", [Nodes, 12])
            end;
        error ->
            drey_error:new(bad_option, "options are a map or a property list; found ~0tP", [Opts0, 12])
    end.

are_nodes([Node]) -> is_atom(Node);
are_nodes([Node | Nodes]) -> is_atom(Node) andalso are_nodes(Nodes);
are_nodes(_) -> false.

as_map(Opts) when is_map(Opts) -> Opts;
as_map(Opts) ->
    try maps:from_list(lists:reverse(proplists:unfold(Opts)))  % the first of a property list counts
    catch error:_ -> error
    end.

%% @doc The chunks of a run of `Chains' chains on `N' nodes, as {first, count}. At least one a node; where chains are
%% many, four a node, so that a fast node comes to more of them than a slow one; but none of fewer chains than fill the
%% lanes of a device, unless there are no more.
-spec chunks(non_neg_integer(), pos_integer()) -> [chunk()].
chunks(Chains, N) ->
    even(Chains, max(N, min(4 * N, Chains div ?LANES))).

%% As even as can be; none empty.
even(Chains, Parts) ->
    Bound = fun(I) -> I * Chains div Parts end,
    [{Bound(I), Bound(I + 1) - Bound(I)} || I <- lists:seq(0, Parts - 1), Bound(I + 1) > Bound(I)].

warm(Nodes, Model, #{tuning := _} = Opts) ->
    split(Nodes, Model, Opts, 0);
warm([Node | Others], Model, Opts) ->
    WarmOpts = maps:with([chains, first_chain, seed, warmup, precision, metric, mapping, start, target_accept, max_depth,
                          deadline_ms, device, budget, stream_to], Opts),
    Start = erlang:monotonic_time(millisecond),
    case drey:warmup(Node, Model, WarmOpts) of
        {ok, Tuning} ->
            split([Node | Others], Model, Opts#{tuning => Tuning}, erlang:monotonic_time(millisecond) - Start);
        {error, #{reason := noconnection}} when Others =/= [] ->
            warm(Others, Model, Opts);
        {error, _} = Error ->
            Error
    end.

split(Nodes, Model, Opts, WarmupMs) ->
    Chunks = chunks(maps:get(chains, Opts), length(Nodes)),
    case work(Chunks, Nodes, erpc:reqids_new(), {Model, Opts}, []) of
        {ok, Parts} -> join(lists:keysort(1, Parts), Opts, Nodes, WarmupMs);
        {error, _} = Error -> Error
    end.

%% Hands chunks to idle nodes until there are none of either, then waits for an answer. A node that is lost is left
%% out; its chunk goes back. `Parts' are the chunks that are done.
work([Chunk | Chunks], [Node | Idle], Requests, Run, Parts) ->
    work(Chunks, Idle, request(Node, Chunk, Run, Requests), Run, Parts);
work(Chunks, Idle, Requests, Run, Parts) ->
    try erpc:receive_response(Requests, infinity, true) of
        no_request when Chunks =:= [] ->
            {ok, Parts};
        no_request ->
            drey_error:new(noconnection, "all nodes of the run were lost before it was done");
        {{ok, Result}, {Node, Chunk}, Rest} ->
            work(Chunks, Idle ++ [Node], Rest, Run, [{Chunk, Node, Result} | Parts]);
        {{error, _} = Error, _, Rest} ->
            give_up(Rest),
            Error
    catch
        Class:{Reason, {Node, Chunk}, Rest} ->
            case drey_error:from_exception(Node, {sample, 2}, Class, Reason) of
                {error, #{reason := noconnection}} -> work([Chunk | Chunks], Idle, Rest, Run, Parts);
                Error -> give_up(Rest), Error
            end
    end.

request(Node, {First, Count} = Chunk, {Model, Opts}, Requests) ->
    %% The summary is of all chains together, made when they are.
    ChunkOpts = Opts#{chains => Count, first_chain => maps:get(first_chain, Opts) + First, summary => false},
    erpc:send_request(Node, drey, sample, [Model, ChunkOpts], {Node, Chunk}, Requests).

%% The callers of what still runs are gone with their requests, and so the nodes cancel it.
give_up(Requests) ->
    lists:foreach(fun({Id, _}) ->
                          try erpc:receive_response(Id, 0) of _ -> ok catch _:_ -> ok end
                  end, erpc:reqids_to_list(Requests)).

join(Parts, #{tuning := Tuning} = Opts, Nodes, WarmupMs) ->
    Results = [R || {_, _, R} <- Parts],
    case drey:combine(Results) of
        {ok, Draws} ->
            case summary([N || {_, N, _} <- Parts] ++ Nodes, Draws) of
                {ok, Summary} ->
                    {ok, #{draws => Draws,
                           stats => stats([maps:get(stats, R, #{}) || R <- Results]),
                           summary => Summary,
                           tuning => Tuning,
                           timing => timing(Parts, WarmupMs),
                           device => iolist_to_binary(lists:join(<<", ">>, lists:usort([maps:get(device, R, <<>>) || R <- Results]))),
                           seed => maps:get(seed, Opts),
                           first_chain => maps:get(first_chain, Opts),
                           gradients => lists:sum([maps:get(gradients, R, 0) || R <- Results]),
                           warnings => lists:usort(lists:append([maps:get(warnings, R, []) || R <- Results])),
                           nodes => [part(P) || P <- Parts]}};
                {error, _} = Error -> Error
            end;
        {error, _} = Error ->
            Error
    end.

summary([Node | Others], Draws) ->
    case drey:summary(Node, Draws) of
        {error, #{reason := noconnection}} when Others =/= [] -> summary(Others, Draws);
        Answer -> Answer
    end.

stats(All) ->
    case drey_draws:combine(All) of
        {ok, Stats} -> Stats;
        {error, _} -> #{}
    end.

%% A node's chunks run one after another, the nodes side by side: the slowest one is the time that passed.
timing(Parts, WarmupMs) ->
    ByNode = lists:foldl(fun({_, Node, #{timing := T}}, Acc) ->
                                 maps:update_with(Node, fun(Sum) -> merge(fun erlang:'+'/2, Sum, T) end, T, Acc);
                            (_, Acc) -> Acc
                         end, #{}, Parts),
    Slowest = lists:foldl(fun(T, Acc) -> merge(fun erlang:max/2, T, Acc) end, #{}, maps:values(ByNode)),
    Slowest#{warmup_ms => max(WarmupMs, maps:get(warmup_ms, Slowest, 0))}.

merge(Fun, A, B) ->
    maps:merge_with(fun(_, X, Y) -> Fun(X, Y) end, A, B).

part({{First, Count}, Node, Result}) ->
    #{node => Node, first_chain => First, chains => Count, device => maps:get(device, Result, <<>>),
      timing => maps:get(timing, Result, #{})}.

fresh_seed() ->
    rand:uniform(1 bsl 32) - 1.
