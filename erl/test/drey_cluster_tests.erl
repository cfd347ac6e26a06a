-module(drey_cluster_tests).

-include_lib("eunit/include/eunit.hrl").

what_does_not_go_together_is_refused_test_() ->
    [?_assertMatch({error, #{reason := bad_option}}, drey_cluster:sample([x@y], #{}, Opts))
     || Opts <- [#{checkpoint => 1}, #{checkpoint_every_ms => 100}, #{credit => 1}, #{keep => some},
                 #{stream_to => self(), credit => 0}, #{stream_to => self(), checkpoint_every_ms => 9},
                 #{stop => #{ess => 10}, keep => none}]].

a_checkpoint_that_is_none_is_refused_before_any_node_is_asked_test_() ->
    [?_assertMatch({error, #{reason := wrong_checkpoint}}, drey_cluster:sample([x@y], #{}, #{resume => Wrong}))
     || Wrong <- [<<>>, none, <<"DREYCKPT">>, <<0:1000>>]].

bad_options_test_() ->
    [?_assertMatch({error, #{reason := bad_option, message := <<_, _/binary>>}}, drey_cluster:sample(Nodes, #{}, Opts))
     || {Nodes, Opts} <- [{[], #{}}, {not_a_list, #{}}, {["x"], #{}}, {[x@y | z], #{}}, {[x@y], #{chains => many}},
                          {[x@y], #{chains => 0}}, {[x@y], #{chains => -3}}, {[x@y], #{first_chain => none}},
                          {[x@y], [a | b]}, {[x@y], [{a, b, c}]}, {[x@y], 17}]].

no_node_there_test() ->
    ?assertMatch({error, #{reason := noconnection, message := <<_/binary>>}},
                 drey_cluster:sample(['nobody@127.0.0.1'], #{}, #{tuning => #{}})).
