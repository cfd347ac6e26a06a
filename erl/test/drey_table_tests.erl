-module(drey_table_tests).

-include_lib("eunit/include/eunit.hrl").

row(Name, Mean, Sd) ->
    #{name => Name, mean => Mean, sd => Sd, mcse => Sd / 30, q5 => Mean - 1.64 * Sd, median => Mean,
      q95 => Mean + 1.64 * Sd, rhat => 1.0012, ess_bulk => 901.4, ess_tail => 1200.0}.

summary_lines_align_test() ->
    Text = unicode:characters_to_list(drey_table:summary([row(<<"mu">>, 4.4, 3.3), row(<<"theta[10]">>, -12.25, 5.61)])),
    [Header, Rule, Mu, Theta, ""] = string:split(Text, "\n", all),
    ?assertEqual([length(Header)], lists:usort([length(L) || L <- [Header, Rule, Mu, Theta]])),
    ?assertMatch("theta[10]  -12.25" ++ _, Theta),
    ?assertMatch("mu           4.40" ++ _, Mu),
    ?assert(lists:suffix("1.001       901      1200", Mu)).

narrow_quantities_get_more_decimals_test() ->
    Text = unicode:characters_to_list(drey_table:summary([row(<<"x">>, 1.0, 0.0042)])),
    ?assertNotEqual(nomatch, string:find(Text, "1.0000  0.0042")).

values_that_are_no_numbers_test() ->
    Text = unicode:characters_to_list(drey_table:summary([(row(<<"x">>, 1.0, 1.0))#{rhat => <<"nan">>, ess_bulk => nan}])),
    ?assertNotEqual(nomatch, string:find(Text, "nan")).

cell_test_() ->
    [?_assertEqual(Want, lists:flatten(drey_table:cell(X, D)))
     || {Want, X, D} <- [{"7", 7, 2}, {"1.50", 1.5, 2}, {"0.00", -0.0, 2}, {"1.23e+9", 1.234e9, 2},
                         {"1.00e-5", 1.0e-5, 2}, {"0", 0.0, 0}]].

names_may_be_unicode_test() ->
    Text = drey_table:format([{"", left}, {"n", right}], [[<<"τ"/utf8>>, "1"], [<<"mu">>, "22"]]),
    ?assertEqual(<<"     n\n------\nτ    1\nmu  22\n"/utf8>>, unicode:characters_to_binary(Text)).
