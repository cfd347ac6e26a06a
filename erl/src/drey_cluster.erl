%% @doc One run on several nodes: warm up once, hand the tuning to all, split the chains, join the draws.
%%
%% A chain's draws depend on the model, the seed, its global number and the tuning, not on who ran it. So the
%% result is that of one node running all chains, whatever the nodes, and the chains of a node that was lost are
%% simply run again by another.
-module(drey_cluster).

-export([nodes_option/1, sample/3, shares/2]).

-define(DEFAULT_CHAINS, 64).  % enough for the lanes of a CPU; who has GPUs names a larger number

-type share() :: {First :: non_neg_integer(), Count :: pos_integer()}.

%% @doc Takes the option `nodes' out of the options, which come back as a map when it was there.
-spec nodes_option(drey:opts()) -> {[node()], drey:opts()}.
nodes_option(#{nodes := Nodes} = Opts) -> {Nodes, maps:remove(nodes, Opts)};
nodes_option(Opts) when is_list(Opts) ->
    case lists:keymember(nodes, 1, Opts) of
        true -> nodes_option(maps:from_list(proplists:unfold(Opts)));
        false -> {[], Opts}
    end;
nodes_option(Opts) -> {[], Opts}.

%% @doc As drey:sample/2, on `Nodes'. The result has one key more, `nodes': who ran which chains, on what
%% device, in what time.
-spec sample([node()], drey:model(), drey:opts()) -> drey:answer(drey:result()).
sample(Nodes, Model, Opts) when is_list(Opts) ->
    sample(Nodes, Model, maps:from_list(proplists:unfold(Opts)));
sample([_ | _] = Nodes, Model, Opts0) when is_map(Opts0) ->
    Opts = maps:merge(#{chains => ?DEFAULT_CHAINS, seed => fresh_seed()}, Opts0),
    case lists:all(fun is_atom/1, Nodes) andalso is_integer(maps:get(chains, Opts)) of
        true -> warm(lists:usort(Nodes), Nodes, Model, Opts);
        false -> drey_error:new(bad_option, "nodes is a list of node names, chains an integer; found ~0tp and ~0tp",
                                [Nodes, maps:get(chains, Opts)])
    end;
sample(Nodes, _, _) ->
    drey_error:new(bad_option, "nodes is a list of at least one node name; found ~0tp", [Nodes]).

%% @doc `Chains' chains over `N' nodes as even as can be, as {first, count}; no empty shares.
-spec shares(non_neg_integer(), pos_integer()) -> [share()].
shares(Chains, N) ->
    Bound = fun(I) -> I * Chains div N end,
    [{Bound(I), Bound(I + 1) - Bound(I)} || I <- lists:seq(0, N - 1), Bound(I + 1) > Bound(I)].

warm(_, Nodes, Model, #{tuning := _} = Opts) ->
    split(Nodes, Model, Opts, 0);
warm(_, [Node | Others], Model, Opts) ->
    WarmOpts = maps:with([chains, first_chain, seed, warmup, precision, metric, target_accept, max_depth,
                          deadline_ms, device, budget, stream_to], Opts),
    Start = erlang:monotonic_time(millisecond),
    case drey:warmup(Node, Model, WarmOpts) of
        {ok, Tuning} ->
            split([Node | Others], Model, Opts#{tuning => Tuning}, erlang:monotonic_time(millisecond) - Start);
        {error, #{reason := noconnection}} when Others =/= [] ->
            warm([], Others, Model, Opts);
        {error, _} = Error ->
            Error
    end.

split(Nodes, Model, Opts, WarmupMs) ->
    #{chains := Chains} = Opts,
    First = maps:get(first_chain, Opts, 0),
    Shares = shares(Chains, length(Nodes)),
    Run = #{model => Model, opts => Opts, first => First, alive => Nodes},
    {Now, Idle} = lists:split(length(Shares), Nodes),
    Requests = lists:foldl(fun({Node, Share}, Acc) -> request(Node, Share, Run, Acc) end,
                           erpc:reqids_new(), lists:zip(Now, Shares)),
    case collect(Requests, Run, Idle, []) of
        {ok, Parts} -> join(lists:keysort(1, Parts), Opts, Nodes, WarmupMs);
        {error, _} = Error -> Error
    end.

request(Node, {First, Count} = Share, #{model := Model, opts := Opts, first := Base}, Requests) ->
    %% The summary is of all chains together, made when they are.
    ShareOpts = Opts#{chains => Count, first_chain => Base + First, summary => false},
    erpc:send_request(Node, drey, sample, [Model, ShareOpts], {Node, Share}, Requests).

%% Waits for all shares. `Idle' are nodes with nothing to do: they take what a lost node had.
collect(Requests, Run, Idle, Parts) ->
    try erpc:receive_response(Requests, infinity, true) of
        no_request ->
            {ok, Parts};
        {{ok, Result}, {Node, Share}, Rest} ->
            collect(Rest, Run, Idle ++ [Node], [{Share, Node, Result} | Parts]);
        {{error, _} = Error, _, Rest} ->
            give_up(Rest),
            Error
    catch
        Class:{Reason, {Node, Share}, Rest} ->
            case drey_error:from_exception(Node, {sample, 2}, Class, Reason) of
                {error, #{reason := noconnection}} = Error -> replace(Node, Share, Rest, Run, Idle, Parts, Error);
                Error -> give_up(Rest), Error
            end
    end.

replace(Lost, Share, Rest, #{alive := Alive} = Run, Idle, Parts, Error) ->
    case {Idle -- [Lost], Alive -- [Lost]} of
        {_, []} ->
            Error;
        {[Node | Others], Left} ->
            Left1 = Run#{alive := Left},
            collect(request(Node, Share, Left1, Rest), Left1, Others, Parts);
        {[], [Node | _] = Left} ->
            Left1 = Run#{alive := Left},
            collect(request(Node, Share, Left1, Rest), Left1, [], Parts)
    end.

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
                           timing => timing([maps:get(timing, R, #{}) || R <- Results], WarmupMs),
                           device => iolist_to_binary(lists:join(<<", ">>, lists:usort([maps:get(device, R, <<>>) || R <- Results]))),
                           seed => maps:get(seed, Opts),
                           first_chain => maps:get(first_chain, Opts, 0),
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

%% Nodes work side by side: the slowest one is the time that passed.
timing(Timings, WarmupMs) ->
    Slowest = lists:foldl(fun(T, Acc) -> maps:merge_with(fun(_, A, B) -> max(A, B) end, T, Acc) end,
                          #{}, Timings),
    Slowest#{warmup_ms => max(WarmupMs, maps:get(warmup_ms, Slowest, 0))}.

part({{First, Count}, Node, Result}) ->
    #{node => Node, first_chain => First, chains => Count, device => maps:get(device, Result, <<>>),
      timing => maps:get(timing, Result, #{})}.

fresh_seed() ->
    rand:uniform(1 bsl 32) - 1.
