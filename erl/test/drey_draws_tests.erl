-module(drey_draws_tests).

-include_lib("eunit/include/eunit.hrl").

f64(Shape, Xs) -> {f64, Shape, << <<X:64/float-little>> || X <- Xs >>}.

combine_puts_chains_one_after_another_test() ->
    A = #{mu => f64([1, 2], [1.0, 2.0]), theta => f64([1, 2, 2], [1.0, 2.0, 3.0, 4.0])},
    B = #{mu => f64([2, 2], [3.0, 4.0, 5.0, 6.0]), theta => f64([2, 2, 2], [5.0, 6.0, 7.0, 8.0, 9.0, 1.0, 2.0, 3.0])},
    {ok, #{mu := Mu, theta := Theta}} = drey_draws:combine([A, B]),
    ?assertEqual(f64([3, 2], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), Mu),
    ?assertEqual([[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]], [[9.0, 1.0], [2.0, 3.0]]],
                 drey_draws:to_list(Theta)).

what_does_not_fit_is_refused_test_() ->
    Mu = #{mu => f64([1, 2], [1.0, 2.0])},
    [?_assertMatch({error, #{reason := wrong_shape, message := <<_/binary>>}}, drey_draws:combine([Mu, Other]))
     || Other <- [#{nu => f64([1, 2], [1.0, 2.0])},
                  #{mu => f64([1, 1], [1.0])},
                  #{mu => {f32, [1, 2], <<0:64>>}}]]
        ++ [?_assertMatch({error, #{reason := no_draws}}, drey_draws:combine([]))].

floats_that_are_not_finite_test() ->
    Bin64 = <<1.5:64/float-little, 16#7FF0000000000000:64/little, 16#FFF0000000000000:64/little,
              16#7FF8000000000000:64/little>>,
    ?assertEqual([1.5, infinity, neg_infinity, nan], drey_draws:to_floats({f64, [4], Bin64})),
    Bin32 = <<1.5:32/float-little, 16#7F800000:32/little, 16#FF800000:32/little, 16#7FC00000:32/little>>,
    ?assertEqual([1.5, infinity, neg_infinity, nan], drey_draws:to_floats({f32, [4], Bin32})).

integers_test() ->
    ?assertEqual([-1, 2], drey_draws:to_list({s32, [2], <<-1:32/signed-little, 2:32/little>>})),
    ?assertEqual([-1], drey_draws:to_list({s64, [1], <<-1:64/signed-little>>})),
    ?assertEqual([0, 1], drey_draws:to_list({u8, [2], <<0, 1>>})),
    ?assertEqual(2.5, drey_draws:to_list(f64([], [2.5]))).

mean_sd_test() ->
    {Mean, Sd} = drey_draws:mean_sd(f64([2, 2], [1.0, 2.0, 3.0, 4.0])),
    ?assert(abs(Mean - 2.5) < 1.0e-12),
    ?assert(abs(Sd - 1.2909944487358056) < 1.0e-12).

append_test() ->
    One = #{a => {s32, [2, 2], <<1:32/little, 2:32/little, 11:32/little, 12:32/little>>}},
    Two = #{a => {s32, [2, 1], <<3:32/little, 13:32/little>>}},
    {ok, #{a := {s32, [2, 3], _} = Whole}} = drey_draws:append([One, Two]),
    ?assertEqual([[1, 2, 3], [11, 12, 13]], drey_draws:to_list(Whole)),
    ?assertEqual({ok, One}, drey_draws:append([One])),
    ?assertMatch({error, #{reason := wrong_shape}}, drey_draws:append([One, #{a => {s32, [1, 1], <<3:32>>}}])),
    ?assertMatch({error, #{reason := wrong_shape}}, drey_draws:append([One, #{b => {s32, [2, 1], <<3:64>>}}])),
    ?assertMatch({error, #{reason := no_draws}}, drey_draws:append([])).

stack_and_take_test() ->
    A = {u8, [2, 2], <<1, 2, 3, 4>>},
    ?assertEqual({u8, [3, 2], <<1, 2, 3, 4, 5, 6>>}, drey_draws:stack([A, {u8, [1, 2], <<5, 6>>}])),
    ?assertEqual({u8, [2, 2], <<3, 4, 1, 2>>}, drey_draws:take([1, 0], A)),
    ?assertEqual({u8, [0], <<>>}, drey_draws:take([], {u8, [0], <<>>})).
