-module(drey_shares_tests).

-include_lib("eunit/include/eunit.hrl").

chunks_cover_all_chains_once_test_() ->
    [?_assertEqual(lists:seq(0, Chains - 1),
                   lists:append([lists:seq(F, F + C - 1) || {F, C} <- drey_shares:chunks(Chains, N)]))
     || Chains <- [0, 1, 2, 5, 64, 65, 1000, 4097], N <- [1, 2, 3, 7]].

few_chains_are_one_even_chunk_a_node_test() ->
    ?assertEqual([{0, 32}, {32, 32}], drey_shares:chunks(64, 2)),
    ?assertEqual([{0, 2}, {2, 2}, {4, 3}], drey_shares:chunks(7, 3)),
    ?assertEqual([{0, 1}, {1, 1}], drey_shares:chunks(2, 5)).

a_share_is_by_rate_and_fills_lanes_test_() ->
    [?_assertEqual(1024, drey_shares:share(4096, 64, 0.5)),
     ?_assertEqual(256, drey_shares:share(4096, 64, 0.125)),
     ?_assertEqual(64, drey_shares:share(4096, 64, 0.0001)),  % never fewer than its lanes
     ?_assertEqual(100, drey_shares:share(100, 64, 0.5)),     % nor a rest of fewer
     ?_assertEqual(1024, drey_shares:share(4096, 1024, 0.1))].

shares_come_to_all_chains_test() ->
    Take = fun Take(0, _) -> [];
               Take(Left, Fractions) ->
                   [F | Fs] = Fractions,
                   Count = drey_shares:share(Left, 64, F),
                   [Count | Take(Left - Count, Fs ++ [F])]
           end,
    Counts = Take(5000, [0.8, 0.15, 0.05]),
    ?assertEqual(5000, lists:sum(Counts)),
    ?assert(lists:all(fun(C) -> C > 0 end, Counts)),
    ?assert(length(Counts) < 30).

many_chains_go_by_rate_and_those_of_lost_nodes_first_test() ->
    Lanes = #{a@x => 64, b@x => 64},
    ?assertEqual({list, [{0, 50}, {50, 50}]}, drey_shares:all(100, Lanes, 2)),
    {rest, 0, []} = ToDo = drey_shares:all(4096, Lanes, 2),
    {{0, First}, Then} = drey_shares:next(ToDo, a@x, #{a@x => 0, b@x => 0}, {4096, Lanes}),
    %% Three times as fast: three times as many.
    {{First, Fast}, _} = drey_shares:next(Then, a@x, #{a@x => 3.0, b@x => 1.0}, {4096, Lanes}),
    {{First, Slow}, _} = drey_shares:next(Then, b@x, #{a@x => 3.0, b@x => 1.0}, {4096, Lanes}),
    ?assert(Fast >= 2 * Slow),
    ?assertMatch({{0, First}, _}, drey_shares:next(drey_shares:again({0, First}, Then), b@x, #{b@x => 1.0}, {4096, Lanes})),
    ?assertEqual(none, drey_shares:next({rest, 4096, []}, a@x, #{a@x => 1.0}, {4096, Lanes})),
    ?assertEqual({cut, why}, drey_shares:again({0, 64}, {cut, why})),
    ?assertEqual(none, drey_shares:next({cut, why}, a@x, #{a@x => 1.0}, {4096, Lanes})).
