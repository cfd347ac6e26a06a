%% What the registered process promises whether or not an engine is there.
-module(drey_server_tests).

-include_lib("eunit/include/eunit.hrl").

server_test_() ->
    {setup, fun() -> {ok, _} = application:ensure_all_started(drey) end, fun(_) -> application:stop(drey) end,
     [fun unknown_calls_are_answered/0, fun known_calls_have_the_answer_of_the_function/0,
      fun casts_and_messages_are_ignored/0]}.

unknown_calls_are_answered() ->
    [?assertMatch({error, #{reason := undef, message := <<_/binary>>}}, gen_server:call(drey, Request))
     || Request <- [halt, {os, cmd}, {sample, 1}, {apply, erlang, halt, []}, {}, 17, {"sample", 1, 2}, [sample]]].

known_calls_have_the_answer_of_the_function() ->
    Model = #{nonsense => 1},
    ?assertEqual(drey:check(Model), gen_server:call(drey, {check, Model})),
    ?assertMatch({error, #{reason := _, message := <<_/binary>>}}, gen_server:call(drey, {check, Model})).

casts_and_messages_are_ignored() ->
    Pid = whereis(drey),
    gen_server:cast(drey, anything),
    drey ! anything,
    _ = gen_server:call(drey, unknown),
    ?assertEqual(Pid, whereis(drey)).
