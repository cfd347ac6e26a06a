%% @doc Draws as they travel: `{f32 | f64, [Chains, Draws | Shape], Binary}', row-major, little-endian. The layout
%% has chains outermost, so joining the chains of several nodes is joining binaries.
-module(drey_draws).

-export([combine/1, append/1, stack/1, take/2, ebfmi/1, to_list/1, to_floats/1, mean_sd/1]).

-define(NAN, <<0:48, 16#F8, 16#7F>>).

-type draws() :: #{atom() => drey:array()}.

%% @doc The draws of several runs of one model as one: chains in the order of the list.
-spec combine([draws()]) -> {ok, draws()} | {error, drey_error:t()}.
combine(All) ->
    of_each_name(All, "combine", fun join/2).

%% What Join makes of the arrays of each name.
of_each_name([], Verb, _) ->
    drey_error:new(no_draws, "there is nothing to ~ts", [Verb]);
of_each_name([First | _] = All, _, Join) ->
    Names = lists:sort(maps:keys(First)),
    case [D || D <- All, lists:sort(maps:keys(D)) =/= Names] of
        [] ->
            try
                {ok, maps:from_list([{Name, Join(Name, [maps:get(Name, D) || D <- All])} || Name <- Names])}
            catch
                throw:{error, _} = Error -> Error
            end;
        [Other | _] ->
            drey_error:new(wrong_shape, "these are draws of different models: one has ~0tp, another ~0tp",
                           [Names, lists:sort(maps:keys(Other))])
    end.

join(Name, [{Type, [_, Draws | Shape], _} | _] = Arrays) ->
    Parts = [part(Name, Type, [Draws | Shape], A) || A <- Arrays],
    Chains = lists:sum([C || {C, _} <- Parts]),
    {Type, [Chains, Draws | Shape], iolist_to_binary([B || {_, B} <- Parts])}.

part(_, Type, Rest, {Type, [Chains | Rest], Binary}) ->
    {Chains, Binary};
part(Name, Type, Rest, {OtherType, OtherShape, _}) ->
    throw(drey_error:new(wrong_shape,
                         "the draws of ~ts differ in precision or shape: ~ts [Chains|~0tp] and ~ts ~0tp; runs "
                         "to be combined need the same precision, draws and thin",
                         [Name, Type, Rest, OtherType, OtherShape])).

%% @doc The draws of several parts of one run as one: each chain's draws in the order of the list.
-spec append([draws()]) -> {ok, draws()} | {error, drey_error:t()}.
append(All) ->
    of_each_name(All, "append", fun follow/2).

follow(_, [Array]) ->
    Array;
follow(Name, [{Type, [Chains, _ | Shape], _} | _] = Arrays) ->
    Lengths = [case A of
                   {Type, [Chains, N | Shape], _} -> N;
                   {OtherType, OtherShape, _} ->
                       throw(drey_error:new(wrong_shape, "the draws of ~ts differ in precision, chains or shape: ~ts "
                                            "~0tp and ~ts ~0tp", [Name, Type, [Chains, '_' | Shape], OtherType, OtherShape]))
               end || A <- Arrays],
    Rows = [{Binary, byte_size(Binary) div max(1, Chains)} || {_, _, Binary} <- Arrays],
    {Type, [Chains, lists:sum(Lengths) | Shape],
     iolist_to_binary([[binary:part(Binary, C * Size, Size) || {Binary, Size} <- Rows]
                       || C <- lists:seq(0, Chains - 1)])}.

%% @doc Arrays of the same type and shape but for their first size, one after another.
-spec stack([drey:array(), ...]) -> drey:array().
stack([{Type, [_ | Shape], _} | _] = Arrays) ->
    {Type, [lists:sum([N || {_, [N | _], _} <- Arrays]) | Shape], iolist_to_binary([B || {_, _, B} <- Arrays])}.

%% @doc The elements with these indices (from 0) along the first axis, in their order.
-spec take([non_neg_integer()], drey:array()) -> drey:array().
take(Indices, {Type, [N | Shape], Binary}) ->
    Size = byte_size(Binary) div max(1, N),
    {Type, [length(Indices) | Shape], iolist_to_binary([binary:part(Binary, I * Size, Size) || I <- Indices])}.

%% @doc E-BFMI of each chain of an array of energies [Chains, Draws]: the mean squared change of the energy over its
%% variance (Betancourt 2016). NaN where there are fewer than 50 draws, or no variance.
-spec ebfmi(drey:array()) -> drey:array().
ebfmi({f64, [Chains, Draws], Binary}) ->
    Size = 8 * Draws,
    Fractions = [chain_ebfmi(to_floats({f64, [Draws], binary:part(Binary, C * Size, Size)}), Draws)
                 || C <- lists:seq(0, Chains - 1)],
    {f64, [Chains], iolist_to_binary(Fractions)}.

chain_ebfmi(Energies, Draws) ->
    Finite = lists:all(fun is_float/1, Energies),
    if
        Draws < 50; not Finite ->
            ?NAN;
        true ->
            Mean = lists:sum(Energies) / Draws,
            Changes = lists:sum([(A - B) * (A - B) || {A, B} <- lists:zip(tl(Energies), lists:droplast(Energies))]),
            case lists:sum([(E - Mean) * (E - Mean) || E <- Energies]) of
                Zero when Zero == 0 -> ?NAN;
                Squares -> <<(Changes / Squares):64/float-little>>
            end
    end.

%% @doc Nested lists of the array's shape. Numbers that are not finite come as the atoms `nan', `infinity' and
%% `neg_infinity'.
-spec to_list(drey:array()) -> list() | number() | atom().
to_list({Type, Shape, Binary}) ->
    nest(to_floats({Type, Shape, Binary}), Shape).

%% @doc All elements, row-major.
-spec to_floats(drey:array()) -> [number() | nan | infinity | neg_infinity].
to_floats({f64, _, Binary}) -> [f64(X) || <<X:8/binary>> <= Binary];
to_floats({f32, _, Binary}) -> [f32(X) || <<X:4/binary>> <= Binary];
to_floats({s32, _, Binary}) -> [X || <<X:32/signed-little>> <= Binary];
to_floats({s64, _, Binary}) -> [X || <<X:64/signed-little>> <= Binary];
to_floats({u8, _, Binary}) -> binary_to_list(Binary).

%% @doc Mean and standard deviation (n - 1) of all elements; they must be finite and at least two.
-spec mean_sd(drey:array()) -> {float(), float()}.
mean_sd(Array) ->
    Xs = to_floats(Array),
    N = length(Xs),
    Mean = lists:sum(Xs) / N,
    {Mean, math:sqrt(lists:sum([(X - Mean) * (X - Mean) || X <- Xs]) / (N - 1))}.

f64(<<X:64/float-little>>) -> X;
f64(<<0:48, 16#F0:8, S:1, 16#7F:7>>) -> infinite(S);
f64(_) -> nan.

f32(<<X:32/float-little>>) -> X;
f32(<<0:16, 16#80:8, S:1, 16#7F:7>>) -> infinite(S);
f32(_) -> nan.

infinite(0) -> infinity;
infinite(1) -> neg_infinity.

nest([X], []) -> X;
nest(Xs, [_]) -> Xs;
nest(Xs, [_ | Inner]) ->
    Size = lists:foldl(fun erlang:'*'/2, 1, Inner),
    [nest(Part, Inner) || Part <- split(Xs, Size)].

split([], _) -> [];
split(Xs, Size) ->
    {Part, Rest} = lists:split(Size, Xs),
    [Part | split(Rest, Size)].
