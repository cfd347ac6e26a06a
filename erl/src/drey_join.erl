%% @doc The results of a run's chunks as that of the whole: as one node running all chains would answer, and who ran what.
-module(drey_join).

-export([results/6, summary/2, ask/2]).

-define(SHOWN, 100).  % divergences in a result

%% Of a chunk: who ran it, and with what result. There may be several of one chunk, one after another.
-type part() :: #{chunk := {non_neg_integer(), pos_integer()}, node := node(), result := map()}.
-export_type([part/0]).

%% @doc `Parts' say who ran what, `Results' are of the chunks, in the order of their chains, and `Said' is what the
%% whole has besides.
-spec results([part()], [map()], drey:model(), map(), [node(), ...], map()) -> drey:answer(drey:result()).
results(Parts, Results, Model, #{tuning := Tuning} = Opts, Nodes, Said) ->
    case drey_draws:combine([maps:get(draws, R) || R <- Results]) of
        {ok, Draws} ->
            case rows(Opts, Model, [N || #{node := N} <- Parts] ++ Nodes, Draws) of
                {ok, Rows} ->
                    Stats = stats([maps:get(stats, R, #{}) || R <- Results]),
                    Diagnostics = diagnostics([D || #{diagnostics := D} <- Results], Stats),
                    Warnings = drey_warnings:join([maps:get(warnings, R, []) || R <- Results], Stats)
                        ++ drey_warnings:of_energy(maps:get(ebfmi, Diagnostics, none))
                        ++ drey_warnings:of_rows(Rows, maps:get(chains, Opts)) ++ maps:get(warnings, Said, []),
                    Joined = #{draws => Draws,
                               stats => Stats,
                               summary => Rows,
                               tuning => Tuning,
                               divergences => divergences([D || #{divergences := D} <- Results]),
                               diagnostics => Diagnostics,
                               timing => timing(Parts, maps:get(warmup_ms, Said, 0)),
                               device => iolist_to_binary(lists:join(<<", ">>, lists:usort([D || #{device := D} <- Results]))),
                               seed => maps:get(seed, Opts),
                               first_chain => maps:get(first_chain, Opts),
                               first_draw => 0,
                               gradients => lists:sum([maps:get(gradients, R, 0) || R <- Results]),
                               nodes => [part(P) || P <- Parts]},
                    {ok, maps:merge(Joined, (maps:remove(warmup_ms, Said))#{warnings => Warnings})};
                {error, _} = Error -> Error
            end;
        {error, _} = Error ->
            Error
    end.

rows(#{summary := false}, _, _, _) ->
    {ok, []};
rows(_, _, _, Draws) when map_size(Draws) =:= 0 ->
    {ok, []};
rows(_, Model, Nodes, Draws) ->
    case {summary(Nodes, Draws), ask(Nodes, Model)} of
        {{ok, Rows}, {ok, #{outputs := Outputs}}} -> {ok, ordered(Rows, [Name || #{name := Name} <- Outputs])};
        {Answer, _} -> Answer
    end.

%% @doc What drey:check/2 answers, of the first of these nodes that is there.
-spec ask([node(), ...], drey:model()) -> drey:answer(map()).
ask([Node | Others], Model) ->
    case drey:check(Node, Model) of
        {error, #{reason := noconnection}} when Others =/= [] -> ask(Others, Model);
        Answer -> Answer
    end.

%% A map of draws has forgotten the model's order.
ordered(Rows, Names) ->
    Of = fun(Name) ->
                 Text = atom_to_binary(Name),
                 [R || #{name := Full} = R <- Rows, hd(binary:split(Full, <<"[">>)) =:= Text]
         end,
    lists:append([Of(Name) || Name <- Names]).

%% @doc Rows of draws, of the first of these nodes that is there.
-spec summary([node(), ...], #{atom() => drey:array()}) -> drey:answer([drey:row()]).
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

%% Of several chunks' first divergences, the first by draw and chain.
divergences([]) ->
    #{};
divergences(All) ->
    [Chains, Draws, Errors] = [drey_draws:stack([maps:get(Key, D) || D <- All]) || Key <- [chain, draw, energy_error]],
    Positions = [P || #{position := P} <- All],
    Position = maps:map(fun(Name, _) -> drey_draws:stack([maps:get(Name, P) || P <- Positions]) end, hd(Positions)),
    {_, [K], _} = Chains,
    Numbers = lists:zip3(drey_draws:to_floats(Draws), drey_draws:to_floats(Chains), lists:seq(0, K - 1)),
    Order = [I || {_, _, I} <- lists:sublist(lists:sort(Numbers), ?SHOWN)],
    Take = fun(Array) -> drey_draws:take(Order, Array) end,
    #{count => lists:sum([N || #{count := N} <- All]), chain => Take(Chains), draw => Take(Draws),
      energy_error => Take(Errors), position => maps:map(fun(_, A) -> Take(A) end, Position)}.

%% The engine counts for itself; what depends on how many chains and draws there are is of all of them.
diagnostics([], _) ->
    #{};
diagnostics(All, Stats) ->
    Ebfmi = ebfmi(iolist_to_binary([E || #{ebfmi := {f64, _, E}} <- All]), Stats),
    Least = case [X || X <- drey_draws:to_floats(Ebfmi), is_float(X)] of
                [] -> <<"nan">>;
                Xs -> lists:min(Xs)
            end,
    #{divergent => lists:sum([N || #{divergent := N} <- All]),
      depth_hits => lists:sum([N || #{depth_hits := N} <- All]),
      ebfmi => Ebfmi, ebfmi_min => Least,
      rhat => case Stats of
                  #{energy := {f64, [Chains, Draws], _}} when Chains >= 32, Draws < 50 -> unsplit;
                  _ -> split
              end}.

%% Of each chain, as the results have it where all of them do.
ebfmi(Each, #{energy := {f64, [Chains, Draws], _} = Energy}) when Draws > 0 ->
    case byte_size(Each) of
        Size when Size =:= 8 * Chains -> {f64, [Chains], Each};
        _ -> drey_draws:ebfmi(Energy)
    end;
ebfmi(_, _) ->
    {f64, [0], <<>>}.

%% A node's chunks run one after another, the nodes side by side: the slowest one is the time that passed. What the lanes
%% did is of all nodes together.
timing(Parts, WarmupMs) ->
    ByNode = lists:foldl(fun(#{node := Node, result := #{timing := T}}, Acc) ->
                                 maps:update_with(Node, fun(Sum) -> merge(fun erlang:'+'/2, Sum, T) end, T, Acc);
                            (_, Acc) -> Acc
                         end, #{}, Parts),
    Slowest = lists:foldl(fun(T, Acc) -> merge(fun erlang:max/2, T, Acc) end, #{}, maps:values(ByNode)),
    Slowest#{warmup_ms => max(WarmupMs, maps:get(warmup_ms, Slowest, 0)), live_share => live_share(Parts)}.

live_share(Parts) ->
    Work = [{N, N / Share} || #{result := #{gradients := N, timing := #{live_share := Share}}} <- Parts, Share > 0],
    {Used, Room} = lists:unzip(Work),
    case lists:sum(Room) of
        All when All > 0 -> lists:sum(Used) / All;
        _ -> 1.0
    end.

merge(Fun, A, B) ->
    maps:merge_with(fun(_, X, Y) -> Fun(X, Y) end, A, B).

part(#{chunk := {First, Count}, node := Node, result := Result}) ->
    #{node => Node, first_chain => First, chains => Count, device => maps:get(device, Result, <<>>),
      timing => maps:get(timing, Result, #{})}.
