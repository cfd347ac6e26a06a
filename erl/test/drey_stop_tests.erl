-module(drey_stop_tests).

-include_lib("eunit/include/eunit.hrl").

row(Name, Ess, Rhat) -> #{name => Name, ess_bulk => Ess, rhat => Rhat}.

marks_are_the_engines_test_() ->
    [?_assertEqual([50, 62, 78, 98, 122, 130], drey_stop:marks(130)),
     ?_assertEqual([30], drey_stop:marks(30)),
     ?_assertEqual([50], drey_stop:marks(50))].

rules_test_() ->
    [?_assertEqual({ok, #{ess => 400}}, drey_stop:read(#{ess => 400})),
     ?_assertEqual({ok, #{ess => 400, rhat => 1.01}}, drey_stop:read([{ess, 400}, {rhat, 1.01}]))]
        ++ [?_assertMatch({error, #{reason := bad_option}}, drey_stop:read(Wrong))
            || Wrong <- [#{}, #{es => 1}, #{ess => 0}, #{ess => many}, #{rhat => 1.0}, #{rhat => 11}, 400, [ess], none]].

the_worst_decides_test_() ->
    Worst = drey_stop:worst([row(<<"a">>, 400.0, 1.02), row(<<"b">>, 300.0, 1.001), row(<<"c">>, <<"nan">>, <<"nan">>)]),
    None = drey_stop:worst([row(<<"c">>, <<"nan">>, <<"nan">>)]),
    [?_assertEqual(#{ess => 300.0, rhat => 1.02}, Worst),
     ?_assert(drey_stop:reached(#{ess => 300}, Worst)),
     ?_assertNot(drey_stop:reached(#{ess => 301}, Worst)),
     ?_assert(drey_stop:reached(#{rhat => 1.02}, Worst)),
     ?_assertNot(drey_stop:reached(#{ess => 10, rhat => 1.01}, Worst)),
     ?_assertNot(drey_stop:reached(#{ess => 1}, None)),
     ?_assertNot(drey_stop:reached(#{rhat => 2}, #{ess => 10.0, rhat => <<"infinity">>})),
     ?_assertMatch({_, _}, binary:match(drey_stop:warning(#{ess => 301, rhat => 1.01}, 60, Worst), <<"R-hat is 1.02">>))].
