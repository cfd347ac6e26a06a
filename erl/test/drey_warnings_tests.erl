-module(drey_warnings_tests).

-include_lib("eunit/include/eunit.hrl").

counts_are_summed_and_the_rest_said_once_test() ->
    Stats = #{lp => {f64, [8, 100], <<>>}},
    ?assertEqual([<<"5 of 800 transitions diverged: x">>, <<"precision auto chose f32">>, <<"3 of 30 things">>],
                 drey_warnings:join([[<<"2 of 200 transitions diverged: x">>, <<"precision auto chose f32">>, <<"1 of 10 things">>],
                                     [<<"3 of 200 transitions diverged: x">>, <<"precision auto chose f32">>,
                                      <<"4 of 4 chains have an E-BFMI below 0.3: y">>],
                                     [<<"precision auto chose f32">>, <<"2 of 20 things">>]], Stats)).

energies_test() ->
    Low = lists:seq(1, 100),
    Well = [(I * 7919 rem 101) * 1.0 || I <- Low],
    Array = {f64, [2, 100], << <<(X * 1.0):64/float-little>> || X <- Low ++ Well >>},
    {f64, [2], _} = Ebfmi = drey_draws:ebfmi(Array),
    [First, Second] = drey_draws:to_floats(Ebfmi),
    ?assert(First < 0.01),
    ?assert(Second > 0.3),
    ?assertMatch([<<"1 of 2 chains have an E-BFMI", _/binary>>], drey_warnings:of_energy(Ebfmi)),
    ?assertEqual([nan], drey_draws:to_floats(drey_draws:ebfmi({f64, [1, 3], <<0:192>>}))),
    ?assertEqual([], drey_warnings:of_energy(none)).

rows_test() ->
    Row = fun(Name, Rhat, Ess) -> #{name => Name, rhat => Rhat, ess_bulk => Ess, ess_tail => 1000.0} end,
    ?assertEqual([], drey_warnings:of_rows([Row(<<"a">>, 1.0, 900.0), Row(<<"k">>, <<"nan">>, <<"nan">>)], 8)),
    [Rhat, Ess] = drey_warnings:of_rows([Row(<<"a">>, 1.05, 900.0), Row(<<"b">>, 1.0, 30.0)], 8),
    ?assertMatch({_, _}, binary:match(Rhat, <<"1 of 2 quantities (largest 1.050, a)">>)),
    ?assertMatch({_, _}, binary:match(Rhat, <<"have not mixed; take more warm-up">>)),
    [Short] = drey_warnings:of_rows([Row(<<"a">>, 1.05, 900.0)], 90),
    ?assertMatch({_, _}, binary:match(Short, <<"too short for R-hat to tell: about 10 effective draws each">>)),
    ?assertMatch({_, _}, binary:match(Ess, <<"below 400 for 1 of 2 quantities (smallest 30, b)">>)).
