%% @doc The warnings of a run on several nodes: each once, with the counts of all. What only all chains together show is
%% said here, as an engine says it of its own.
-module(drey_warnings).

-export([join/2, of_energy/1, of_rows/2]).

%% @doc What chunks said with counts, `N of M ..', with the sums; what all said alike, once. What they said of energies
%% is left to {@link of_energy/1}.
-spec join([[binary()]], #{atom() => drey:array()}) -> [binary()].
join(All, Stats) ->
    Said = lists:foldl(fun(Text, Acc) ->
                               {N, M, Rest} = counts(Text),
                               case lists:keyfind(Rest, 1, Acc) of
                                   {Rest, N0, M0} -> lists:keyreplace(Rest, 1, Acc, {Rest, N0 + N, M0 + M});
                                   false -> Acc ++ [{Rest, N, M}]
                               end
                       end, [], [T || T <- lists:append(All), binary:match(T, <<"E-BFMI">>) =:= nomatch]),
    [text(Rest, N, M, Stats) || {Rest, N, M} <- Said].

counts(Text) ->
    case re:run(Text, "^([0-9]+) of ([0-9]+) (.*)$", [{capture, all_but_first, binary}, dotall]) of
        {match, [N, M, Rest]} -> {binary_to_integer(N), binary_to_integer(M), Rest};
        nomatch -> {0, 0, Text}
    end.

text(Rest, 0, 0, _) -> Rest;
text(<<"transitions", _/binary>> = Rest, N, _, #{lp := {_, [Chains, Draws], _}}) -> text(Rest, N, Chains * Draws);
text(Rest, N, M, _) -> text(Rest, N, M).

text(Rest, N, M) -> iolist_to_binary(io_lib:format("~b of ~b ~ts", [N, M, Rest])).

%% @doc Of the E-BFMI of each chain.
-spec of_energy(drey:array() | none) -> [binary()].
of_energy(none) ->
    [];
of_energy({f64, [Chains], _} = Ebfmi) ->
    case length([X || X <- drey_draws:to_floats(Ebfmi), is_float(X), X < 0.3]) of
        0 -> [];
        Low -> [text(<<"chains have an E-BFMI below 0.3: the tails of the energy are explored slowly; write hierarchical "
                       "parameters non-centred, or put tighter priors on scales">>, Low, Chains)]
    end.

%% @doc Of R-hats and effective sample sizes.
-spec of_rows([drey:row()], pos_integer()) -> [binary()].
of_rows(Rows, Chains) ->
    All = length(Rows),
    High = lists:sort([{-R, Name, min(B, T) / Chains}
                       || #{rhat := R, name := Name, ess_bulk := B, ess_tail := T} <- Rows,
                          is_float(R), R > 1.01, is_float(B), is_float(T)]),
    Enough = 100 * min(Chains, 4),
    Few = lists:sort([{min(B, T), Name} || #{ess_bulk := B, ess_tail := T, name := Name} <- Rows,
                                           is_float(B), is_float(T), min(B, T) < Enough]),
    [format("R-hat is above 1.01 for ~b of ~b quantities (largest ~.3f, ~ts): the chains ~ts",
            [length(High), All, -R, Name, why(Each)])
     || {R, Name, Each} <- lists:sublist(High, 1)]
        ++ [format("the effective sample size is below ~b for ~b of ~b quantities (smallest ~b, ~ts): means and quantiles "
                   "are uncertain; take more draws", [Enough, length(Few), All, round(Ess), Name])
            || {Ess, Name} <- lists:sublist(Few, 1)].

%% Split chains of n effective draws that agree in all have an R-hat near sqrt(1 + 2 / n): 1.01 at 100. Of the tails too, as
%% R-hat looks at the spread as well.
why(Each) when Each < 100 ->
    format("have not mixed, or are too short for R-hat to tell: about ~b effective draws each, where it needs 100; take "
           "more draws of each, and check the model for several modes", [round(Each)]);
why(_) ->
    <<"have not mixed; take more warm-up and draws, and check the model for several modes">>.

format(Format, Args) ->
    unicode:characters_to_binary(io_lib:format(Format, Args)).
