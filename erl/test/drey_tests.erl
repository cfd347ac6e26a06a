-module(drey_tests).

-include_lib("eunit/include/eunit.hrl").

%% rpc finds every call of the contract with the arity that a drey_node exports.
calls_are_exported_test() ->
    {module, drey} = code:ensure_loaded(drey),
    [?assert(erlang:function_exported(drey, F, A)) || {F, A} <- drey:calls()].

no_connection_is_an_answer_test_() ->
    Node = 'nobody@127.0.0.1',
    [?_assertMatch({error, #{reason := noconnection}}, Call)
     || Call <- [drey:info(Node), drey:check(Node, #{}), drey:log_density(Node, #{}, [[0.0]]),
                 drey:log_density(Node, #{}, [[0.0]], #{}), drey:warmup(Node, #{}, #{}),
                 drey:sample(Node, #{}, #{deadline_ms => 10}), drey:summary(Node, #{}), drey:jobs(Node),
                 drey:cancel(Node, 1), drey:await(drey:sample_async(Node, #{}, []))]].

options_that_are_none_are_an_answer_test_() ->
    [?_assertMatch({error, #{reason := _, message := <<_, _/binary>>}}, drey:sample(Where, #{}, Opts))
     || Where <- ['nobody@127.0.0.1', node()], Opts <- [17, [a | b], [{deadline_ms, soon}], [{a, b, c}], #{1 => 2}]].

a_bad_model_is_an_answer_test_() ->
    [?_assertMatch({error, #{reason := _, message := <<_, _/binary>>}}, Call)
     || Call <- [drey:check(no_model), drey:sample(no_model, #{}), drey:await(drey:sample_async(no_model, #{}))]].

print_test() ->
    Row = #{name => <<"x">>, mean => 0.0, sd => 1.0, mcse => 0.1, q5 => -1.6, median => 0.0, q95 => 1.6,
            rhat => 1.0, ess_bulk => 100.0, ess_tail => 100.0},
    ?assertEqual(ok, drey:print(#{summary => [Row]})).

draws_test() ->
    Result = #{draws => #{mu => {f32, [2, 1], <<1.5:32/float-little, -2.0:32/float-little>>}}, summary => []},
    ?assertEqual([[1.5], [-2.0]], drey:draws(Result, mu)).
