-module(drey_relay_tests).

-include_lib("eunit/include/eunit.hrl").

%% A window whose draws say which they are: 100 times the chain, and the draw.
window(First, Count, From, To) ->
    Draws = {f64, [Count, To - From], << <<(100 * C + D):64/float-little>> || C <- lists:seq(First, First + Count - 1),
                                                                              D <- lists:seq(From, To - 1)>>},
    #{first_chain => First, first_draw => From, draws => #{x => Draws}, stats => #{lp => Draws}}.

said(Windows) ->
    lists:append([drey_draws:to_floats(maps:get(x, maps:get(draws, W))) || W <- Windows]).

send(Windows) ->
    {Sent, _} = lists:foldl(fun(W, {Out, Sent}) ->
                                    {News, Now} = drey_relay:later(W, Sent),
                                    {Out ++ News, Now}
                            end, {[], []}, Windows),
    Sent.

windows_go_on_as_they_are_test() ->
    Windows = [window(0, 3, 0, 5), window(3, 2, 0, 5), window(0, 3, 5, 9), window(3, 2, 5, 9)],
    ?assertEqual(Windows, send(Windows)).

what_comes_again_does_not_go_on_again_test() ->
    First = [window(0, 3, 0, 5), window(0, 3, 5, 9)],
    Again = [window(0, 3, 0, 5), window(0, 3, 5, 9), window(0, 3, 9, 12)],
    ?assertEqual(First ++ [window(0, 3, 9, 12)], send(First ++ Again)).

a_resumed_run_begins_where_it_does_test() ->
    ?assertEqual([window(4, 2, 30, 35)], send([window(4, 2, 30, 35)])).

other_windows_of_the_same_chains_are_cut_test() ->
    ?assertEqual([window(0, 4, 0, 6), window(0, 2, 6, 8), window(2, 2, 6, 8), window(4, 1, 0, 8)],
                 send([window(0, 4, 0, 6), window(0, 2, 0, 8), window(2, 3, 0, 8)])).

%% Two attempts at all chains, in batches and windows of any sizes, the second from the start or from a draw that the first
%% came to.
each_draw_goes_on_once_test_() ->
    [fun() ->
             rand:seed(exsss, {1, 2, Seed}),
             [Chains, Draws] = [rand:uniform(N) || N <- [12, 30]],
             Stopped = rand:uniform(Draws),
             From = rand:uniform(Stopped + 1) - 1,
             Sent = said(send(attempt(Chains, 0, Stopped) ++ attempt(Chains, From, Draws))),
             ?assertEqual([100.0 * C + D || C <- lists:seq(0, Chains - 1), D <- lists:seq(0, Draws - 1)], lists:sort(Sent))
     end || Seed <- lists:seq(1, 50)].

attempt(Chains, From, To) ->
    Batches = pieces(0, Chains),
    [window(F, N, D, D + M) || {D, M} <- pieces(From, To), {F, N} <- Batches].

pieces(From, To) when From >= To -> [];
pieces(From, To) ->
    N = rand:uniform(To - From),
    [{From, N} | pieces(From + N, To)].

a_run_that_is_over_says_so_test() ->
    Relay = drey_relay:start(self(), unlimited),
    ok = drey_relay:drain(Relay, infinity),
    ?assertMatch({error, #{reason := no_such_job}}, drey:credit(Relay, 1)),
    ?assertMatch({error, #{reason := no_such_job}}, drey:cancel(Relay)).

credit_is_for_who_asked_for_it_test() ->
    Relay = drey_relay:start(self(), unlimited),
    ?assertMatch({error, #{reason := bad_option}}, drey:credit(Relay, 1)),
    ?assertMatch({error, #{reason := wrong_type}}, drey:credit(Relay, 0)),
    ok = drey_relay:drain(Relay, 0).
