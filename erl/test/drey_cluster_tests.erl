-module(drey_cluster_tests).

-include_lib("eunit/include/eunit.hrl").

shares_cover_all_chains_once_test_() ->
    [?_assertEqual(lists:seq(0, Chains - 1),
                   lists:append([lists:seq(F, F + C - 1) || {F, C} <- drey_cluster:shares(Chains, N)]))
     || Chains <- [0, 1, 2, 5, 64, 65], N <- [1, 2, 3, 7]].

shares_are_even_test() ->
    ?assertEqual([{0, 32}, {32, 32}], drey_cluster:shares(64, 2)),
    ?assertEqual([1, 1], lists:usort([C || {_, C} <- drey_cluster:shares(3, 3)]) ++ [1]),
    Counts = [C || {_, C} <- drey_cluster:shares(65, 7)],
    ?assert(lists:max(Counts) - lists:min(Counts) =< 1).

nodes_option_test() ->
    ?assertEqual({[a@b], #{chains => 2}}, drey_cluster:nodes_option(#{nodes => [a@b], chains => 2})),
    ?assertEqual({[a@b], #{chains => 2, flag => true}}, drey_cluster:nodes_option([{nodes, [a@b]}, {chains, 2}, flag])),
    ?assertEqual({[], #{chains => 2}}, drey_cluster:nodes_option(#{chains => 2})),
    ?assertEqual({[], no_options}, drey_cluster:nodes_option(no_options)).

bad_options_test_() ->
    [?_assertMatch({error, #{reason := bad_option}}, drey_cluster:sample(Nodes, #{}, Opts))
     || {Nodes, Opts} <- [{[], #{}}, {not_a_list, #{}}, {["x"], #{}}, {[x@y], #{chains => many}}]].

no_node_there_test() ->
    ?assertMatch({error, #{reason := noconnection, message := <<_/binary>>}},
                 drey_cluster:sample(['nobody@127.0.0.1'], #{}, #{tuning => #{}})).
