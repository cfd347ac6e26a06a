-module(drey_cluster_tests).

-include_lib("eunit/include/eunit.hrl").

chunks_cover_all_chains_once_test_() ->
    [?_assertEqual(lists:seq(0, Chains - 1),
                   lists:append([lists:seq(F, F + C - 1) || {F, C} <- drey_cluster:chunks(Chains, N)]))
     || Chains <- [0, 1, 2, 5, 64, 65, 1000, 4097], N <- [1, 2, 3, 7]].

few_chains_are_one_even_chunk_a_node_test() ->
    ?assertEqual([{0, 32}, {32, 32}], drey_cluster:chunks(64, 2)),
    ?assertEqual([{0, 2}, {2, 2}, {4, 3}], drey_cluster:chunks(7, 3)),
    ?assertEqual([{0, 1}, {1, 1}], drey_cluster:chunks(2, 5)).

a_share_is_by_rate_and_fills_lanes_test_() ->
    [?_assertEqual(1024, drey_cluster:share(4096, 64, 0.5)),
     ?_assertEqual(256, drey_cluster:share(4096, 64, 0.125)),
     ?_assertEqual(64, drey_cluster:share(4096, 64, 0.0001)),  % never fewer than its lanes
     ?_assertEqual(100, drey_cluster:share(100, 64, 0.5)),     % nor a rest of fewer
     ?_assertEqual(1024, drey_cluster:share(4096, 1024, 0.1))].

shares_come_to_all_chains_test() ->
    Take = fun Take(0, _) -> [];
               Take(Left, Fractions) ->
                   [F | Fs] = Fractions,
                   Count = drey_cluster:share(Left, 64, F),
                   [Count | Take(Left - Count, Fs ++ [F])]
           end,
    Counts = Take(5000, [0.8, 0.15, 0.05]),
    ?assertEqual(5000, lists:sum(Counts)),
    ?assert(lists:all(fun(C) -> C > 0 end, Counts)),
    ?assert(length(Counts) < 30).

marks_are_the_engines_test_() ->
    [?_assertEqual([50, 62, 78, 98, 122, 130], drey_cluster:marks(130)),
     ?_assertEqual([30], drey_cluster:marks(30)),
     ?_assertEqual([50], drey_cluster:marks(50))].

what_does_not_go_together_is_refused_test_() ->
    [?_assertMatch({error, #{reason := bad_option}}, drey_cluster:sample([x@y], #{}, Opts))
     || Opts <- [#{checkpoint => 1}, #{checkpoint_every_ms => 100}, #{credit => 1}, #{keep => some},
                 #{stream_to => self(), credit => 0}, #{stream_to => self(), checkpoint_every_ms => 9},
                 #{stop => #{ess => 10}, keep => none}]].

a_checkpoint_that_is_none_is_refused_before_any_node_is_asked_test_() ->
    [?_assertMatch({error, #{reason := wrong_checkpoint}}, drey_cluster:sample([x@y], #{}, #{resume => Wrong}))
     || Wrong <- [<<>>, none, <<"DREYCKPT">>, <<0:1000>>]].

nodes_option_test() ->
    ?assertEqual({[a@b], #{chains => 2}}, drey_cluster:nodes_option(#{nodes => [a@b], chains => 2})),
    ?assertEqual({[a@b], #{chains => 2, flag => true}}, drey_cluster:nodes_option([{nodes, [a@b]}, {chains, 2}, flag])),
    ?assertEqual({[], #{chains => 2}}, drey_cluster:nodes_option(#{chains => 2})),
    ?assertEqual({[], no_options}, drey_cluster:nodes_option(no_options)).

bad_options_test_() ->
    [?_assertMatch({error, #{reason := bad_option, message := <<_, _/binary>>}}, drey_cluster:sample(Nodes, #{}, Opts))
     || {Nodes, Opts} <- [{[], #{}}, {not_a_list, #{}}, {["x"], #{}}, {[x@y | z], #{}}, {[x@y], #{chains => many}},
                          {[x@y], #{chains => 0}}, {[x@y], #{chains => -3}}, {[x@y], #{first_chain => none}},
                          {[x@y], [a | b]}, {[x@y], [{a, b, c}]}, {[x@y], 17}]].

the_first_of_a_property_list_counts_test() ->
    ?assertEqual({[a@b], #{chains => 1}}, drey_cluster:nodes_option([{chains, 1}, {nodes, [a@b]}, {chains, 2}])).

options_that_are_none_go_to_the_engine_test_() ->
    [?_assertEqual({[], Opts}, drey_cluster:nodes_option(Opts)) || Opts <- [[a | b], [{a, b, c}], 17, "x"]].

no_node_there_test() ->
    ?assertMatch({error, #{reason := noconnection, message := <<_/binary>>}},
                 drey_cluster:sample(['nobody@127.0.0.1'], #{}, #{tuning => #{}})).
