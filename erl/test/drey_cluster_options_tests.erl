-module(drey_cluster_options_tests).

-include_lib("eunit/include/eunit.hrl").

nodes_option_test() ->
    ?assertEqual({[a@b], #{chains => 2}}, drey_cluster_options:take_nodes(#{nodes => [a@b], chains => 2})),
    ?assertEqual({[a@b], #{chains => 2, flag => true}}, drey_cluster_options:take_nodes([{nodes, [a@b]}, {chains, 2}, flag])),
    ?assertEqual({[], #{chains => 2}}, drey_cluster_options:take_nodes(#{chains => 2})),
    ?assertEqual({[], no_options}, drey_cluster_options:take_nodes(no_options)).

the_first_of_a_property_list_counts_test() ->
    ?assertEqual({[a@b], #{chains => 1}}, drey_cluster_options:take_nodes([{chains, 1}, {nodes, [a@b]}, {chains, 2}])).

options_that_are_none_go_to_the_engine_test_() ->
    [?_assertEqual({[], Opts}, drey_cluster_options:take_nodes(Opts)) || Opts <- [[a | b], [{a, b, c}], 17, "x"]].
