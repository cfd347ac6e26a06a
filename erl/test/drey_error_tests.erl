-module(drey_error_tests).

-include_lib("eunit/include/eunit.hrl").

every_exception_of_erpc_is_an_answer_test_() ->
    [?_assertMatch({error, #{reason := Reason, message := <<_, _/binary>>}},
                   drey_error:from_exception('a@b', {sample, 2}, Class, Why))
     || {Reason, Class, Why} <- [{noconnection, error, {erpc, noconnection}},
                                 {timeout, error, {erpc, timeout}},
                                 {notsup, error, {erpc, notsup}},
                                 {busy, error, {erpc, busy}},
                                 {refused, error, {erpc, {strange, thing}}},
                                 {undef, error, {exception, undef, [{drey, sample, 2, []}]}},
                                 {remote_crash, error, {exception, badarg, []}},
                                 {noconnection, exit, {signal, noconnection}},
                                 {remote_exit, exit, {signal, killed}},
                                 {remote_crash, exit, {exception, oops}},
                                 {remote_crash, throw, oops}]].

messages_name_the_node_test() ->
    {error, #{message := M}} = drey_error:from_exception('gpu1@host', {info, 0}, error, {erpc, noconnection}),
    ?assertNotEqual(nomatch, string:find(M, "gpu1@host")).

format_test() ->
    ?assertEqual(<<"wrong_shape: model[1]: no">>,
                 drey_error:format(#{reason => wrong_shape, message => <<"no">>, where => <<"model[1]">>})),
    ?assertEqual(<<"busy: later">>, drey_error:format(#{reason => busy, message => <<"later">>})).
