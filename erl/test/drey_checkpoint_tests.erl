-module(drey_checkpoint_tests).

-include_lib("eunit/include/eunit.hrl").

%% A checkpoint as an engine lays it out: 5 chains of 2 dimensions in f32, in two batches of which the second has fewer
%% draws. A byte of a state is its row, then its chain, so that one sees where it went.
example() -> example(all, 0).
example(Keep, First) ->
    {Reals, Words, D} = {7, 3, 2},
    State = fun(From, N, Lanes) ->
                    R = case Lanes of
                            %% Two pairs, then the others.
                            0 -> [[[<<(Row + Half), (From + C), 0, 0>> || C <- lists:seq(0, N - 1), Half <- [0, 1]] || Row <- [0, 2]],
                                  [[<<Row, (From + C), 0, 0>> || C <- lists:seq(0, N - 1)] || Row <- lists:seq(4, Reals - 1)]];
                            _ -> [[<<Row, (From + C), 0, 0>> || Row <- lists:seq(0, Reals - 1)] || C <- lists:seq(0, N - 1)]
                        end,
                    iolist_to_binary([R, [[<<(100 + Row), (From + C), 0, 0>> || C <- lists:seq(0, N - 1)] || Row <- lists:seq(0, Words - 1)]])
            end,
    %% By pairs: two of what every draw has, and the position's.
    Record = fun(From, N, Ahead) ->
                     iolist_to_binary([[<<Slot, Pair, (From + C), 0:40>> || C <- lists:seq(0, N - 1)]
                                       || Slot <- lists:seq(0, Ahead - 1), Pair <- lists:seq(0, 1 + (D + 1) div 2)])
             end,
    Last = fun(From, N) -> {f64, [N * D], << <<(From + C):64/float-little, 0.5:64/float-little>> || C <- lists:seq(0, N - 1)>>} end,
    Batch = fun(From, N, Draws, Ahead) ->
                    #{first => From, count => N, draws => Draws, ahead => Ahead, state => State(From, N, 0),
                      record => Record(From, N, Ahead), last => Last(From, N)}
            end,
    Draws = case Keep of none -> 0; _ -> 4 - First end,
    Rows = fun(Width) -> << <<C, I, 0:(8 * (Width - 2))>> || Draws > 0, C <- lists:seq(0, 4), I <- lists:seq(First, 3)>> end,
    #{engine => <<"1">>, model_key => <<"m">>, data_key => <<"d">>, tuning => #{precision => f32},
      options => #{chains => 5, draws => 9, thin => 1, seed => 3, first_chain => 10, max_depth => 10, target_accept => 0.8,
                   precision => f32},
      keep => Keep,
      snapshot => #{layout => <<"v4 f32 dimension 2 rows 4 pairs 2 reals 7 words 3 lanes 0 rank 0 diagonal">>,
                    batches => [Batch(0, 3, 4, 1), Batch(3, 2, 2, 0)],
                    suspects => [#{chain => 1, draw => 2, before => {f64, [2], <<0:128>>}}, #{chain => 4, draw => 0, before => {f64, [0], <<>>}}],
                    divergent => 7, deep => 1, gradients => 900},
      outputs => [x], first => First, draws => Draws,
      arrays => case Keep of none -> #{}; _ -> #{x => {f32, [5, Draws, 2], Rows(8)}} end,
      stats => case Keep of none -> #{}; _ -> #{lp => {f64, [5, Draws], Rows(8)}, divergent => {u8, [5, Draws], binary:copy(<<1>>, 5 * Draws)}} end}.

read(Checkpoint) -> drey_checkpoint:read(drey_checkpoint:write(Checkpoint)).

what_is_written_is_read_test_() ->
    [?_assertEqual({ok, C}, read(C)) || C <- [example(), example(new, 1), example(none, 0)]].

as_pieces(Parts, Whole) ->
    [begin
         {Draws, Stats} = drey_checkpoint:kept(Whole, First, Count),
         {ok, Part} = read(drey_checkpoint:part(Whole, First, Count)),
         #{first_chain => First, chains => Count, checkpoint => Part, first => maps:get(first, Whole), draws => Draws, stats => Stats}
     end || {First, Count} <- Parts].

batches(#{snapshot := #{batches := Batches}}) -> Batches.

%% Batches joined where they stand alike, to compare whatever they were cut into.
chain_states(#{snapshot := #{batches := Batches}} = Checkpoint) ->
    [[maps:get(Key, B) || Key <- [draws, ahead, state, record, last]]
     || #{first := F, count := N} <- Batches, C <- lists:seq(F, F + N - 1), B <- batches(drey_checkpoint:part(Checkpoint, C, 1))].

parts_and_gathered_are_the_whole_test_() ->
    [{lists:flatten(io_lib:format("~p ~p", [Keep, Parts])),
      fun() ->
              Whole = example(Keep, First),
              {ok, Gathered} = drey_checkpoint:gather(Keep, as_pieces(Parts, Whole)),
              ?assertEqual({ok, Gathered}, read(Gathered)),
              ?assertEqual(chain_states(Whole), chain_states(Gathered)),
              [?assertEqual(maps:get(Key, Whole), maps:get(Key, Gathered)) || Key <- [options, keep, outputs, first, draws, tuning]],
              [?assertEqual(maps:get(Key, maps:get(snapshot, Whole)), maps:get(Key, maps:get(snapshot, Gathered)))
               || Key <- [layout, suspects, divergent, deep, gradients]],
              %% Draws that a chain has not made yet are only filled up.
              Made = fun(#{arrays := #{x := {f32, [5, _, 2], B}}, stats := #{lp := L}}) ->
                             [binary:part(B, C * 8 * (4 - First), 8 * (case C of _ when C < 3 -> 4; _ -> 2 end - First)) || C <- lists:seq(0, 4)]
                                 ++ [element(2, L)];
                        (#{arrays := None}) -> None
                     end,
              ?assertEqual(Made(Whole), Made(Gathered))
      end}
     || {Keep, First} <- [{all, 0}, {new, 2}, {new, 0}, {none, 0}],
        not (Keep =:= new andalso First =:= 0),
        Parts <- [[{0, 5}], [{0, 3}, {3, 2}], [{0, 2}, {2, 3}], [{0, 1}, {1, 1}, {2, 1}, {3, 1}, {4, 1}], [{0, 4}, {4, 1}]]].

a_part_is_its_chains_test() ->
    #{options := #{chains := 2, first_chain := 12}, keep := new, first := 2, draws := 2,
      snapshot := #{batches := [B1, B2], suspects := [], divergent := 0, gradients := 0},
      arrays := #{x := {f32, [2, 2, 2], X}}} = drey_checkpoint:part(example(), 2, 2),
    #{first := 0, count := 1, draws := 4, ahead := 1, state := <<0, 2, _:16, 1, 2, _/binary>>, last := {f64, [2], <<2.0:64/float-little, _/binary>>}} = B1,
    #{first := 1, count := 1, draws := 2, ahead := 0, record := <<>>, state := <<0, 3, _:16, 1, 3, _/binary>>} = B2,
    <<2, 2, _:48, 2, 3, _:48, 3, 2, _:48, 3, 3, _:48>> = X,
    #{snapshot := #{suspects := [#{chain := 1, draw := 0}], divergent := 0}} = drey_checkpoint:part(example(), 3, 2),
    #{snapshot := #{suspects := [#{chain := 1}], divergent := 7, deep := 1, gradients := 900}} = drey_checkpoint:part(example(), 0, 2).

a_lane_of_its_own_for_each_chain_test() ->
    #{snapshot := #{batches := [B0, _]} = S} = E = example(),
    Reals = iolist_to_binary([<<Row, C, 0, 0>> || C <- [0, 1, 2], Row <- lists:seq(0, 6)]),
    <<_:84/binary, Words/binary>> = maps:get(state, B0),
    Lanes = E#{snapshot := S#{layout := <<"v4 f32 dimension 2 rows 4 pairs 2 reals 7 words 3 lanes 8 rank 0 diagonal">>,
                              batches := [B0#{state := <<Reals/binary, Words/binary>>} | tl(batches(E))]}},
    #{snapshot := #{batches := [#{state := <<0, 1, _:16, 1, 1, _:16, 2, 1, _:16, _/binary>>}]}} = drey_checkpoint:part(Lanes, 1, 1).

chains_that_have_not_begun_test() ->
    Whole = example(),
    [One | _] = as_pieces([{0, 3}, {3, 2}], Whole),
    Fresh = drey_checkpoint:chains(drey_checkpoint:unbegun(maps:get(checkpoint, One)), 13, 2),
    {ok, Fresh} = read(Fresh),
    {ok, #{options := #{chains := 5, first_chain := 10}, snapshot := #{batches := [_, #{first := 3, count := 2, state := <<>>}]},
           first := 0, draws := 4, arrays := #{x := {f32, [5, 4, 2], X}}} = Gathered} =
        drey_checkpoint:gather(all, [One, #{first_chain => 3, chains => 2, checkpoint => Fresh, first => 0, draws => #{}, stats => #{}}]),
    {ok, Gathered} = read(Gathered),
    0 = drey_checkpoint:handed(Gathered),
    {<<0, 0, _/binary>>, <<0:512>>} = {X, binary:part(X, 96, 64)}.

nothing_drawn_yet_keeps_its_shape_test() ->
    [One, Two] = [P#{checkpoint := drey_checkpoint:unbegun(maps:get(checkpoint, P)), draws := #{}, stats := #{}}
                  || P <- as_pieces([{0, 3}, {3, 2}], example())],
    {ok, #{draws := 0, arrays := #{x := {f32, [5, 0, 2], <<>>}}, stats := #{lp := {f64, [5, 0], <<>>}}} = Gathered} =
        drey_checkpoint:gather(all, [One, Two]),
    {ok, Gathered} = read(Gathered),
    #{arrays := #{x := {f32, [2, 0, 2], <<>>}}} = drey_checkpoint:part(Gathered, 2, 2).

kernels_that_differ_are_not_gathered_test() ->
    [One, Two] = as_pieces([{0, 3}, {3, 2}], example()),
    #{checkpoint := #{snapshot := S} = C} = Two,
    Other = Two#{checkpoint := C#{snapshot := S#{layout := <<"v4 f32 dimension 2 rows 4 pairs 2 reals 7 words 3 lanes 8 rank 0 diagonal">>}}},
    ?assertMatch({error, #{reason := wrong_checkpoint, message := <<_/binary>>}}, drey_checkpoint:gather(all, [One, Other])).

%% Nothing that is wrong crashes, and nothing wrong is taken apart.
wrong_fields_are_refused_test_() ->
    E = example(),
    #{snapshot := #{batches := [B0, B1]} = S, options := O} = E,
    In = fun(Batches) -> E#{snapshot := S#{batches := Batches}} end,
    [?_assertMatch({error, #{reason := wrong_checkpoint, message := <<_, _/binary>>}}, read(Wrong))
     || Wrong <- [maps:remove(Key, E) || Key <- maps:keys(E)]
            ++ [E#{Key => Value} || Key <- maps:keys(E) -- [engine, model_key, data_key], Value <- [none_such, -1, 1 bsl 70, [x | y], #{a => b}],
                                    not (Key =:= tuning andalso is_map(Value))]
            ++ [E#{options := O#{chains := C}} || C <- [0, 4, 6, 70000, 5.0, many]]
            ++ [E#{options := O#{first_chain := C}} || C <- [-1, 1 bsl 32, x]]
            ++ [E#{options := maps:remove(seed, O)}]
            ++ [E#{snapshot := S#{Key := Value}} || Key <- maps:keys(S), Value <- [x, -1, [1], <<"v1 f32">>, #{}]]
            ++ [E#{snapshot := S#{layout := L}} || L <- [<<"v4 f32 dimension 999999999999 rows 4 pairs 2 reals 7 words 3 lanes 0 rank 0 diagonal">>,
                                                         <<"v4 f64 dimension 2 rows 4 pairs 2 reals 7 words 3 lanes 0 rank 0 diagonal">>,
                                                         <<"v4 f32 dimension 2 rows 4 pairs 2 reals 7 words 3 lanes 0 rank 0 diagonal\n">>]]
            ++ [In([B0#{Key := Value}, B1]) || Key <- maps:keys(B0), Value <- [x, -1, 2, 1 bsl 41, <<1>>, {f64, [1], <<>>}],
                                              maps:get(Key, B0) =/= Value]
            ++ [In([]), In([B0]), In([B1, B0]), In([B0, B1, B1]), In([B0 | B1]), In([B0#{count := 4}, B1#{first := 4, count := 1}])]
            ++ [E#{snapshot := S#{suspects := [Suspect]}} || Suspect <- [x, #{}, #{chain => 5, draw => 0, before => {f64, [0], <<>>}}]]
            ++ [E#{arrays := #{x => A}} || A <- [x, {f32, [5, 4, 2], <<0>>}, {f32, [5, 4], binary:copy(<<0>>, 80)}, {f16, [5, 4, 2], <<>>},
                                                 {f32, [5, 4, 1 bsl 60], <<>>}, {f32, [4, 4, 2], binary:copy(<<0>>, 128)}]]
            ++ [E#{draws := 3}, E#{first := 1, draws := 3}, E#{outputs := [y]}, E#{outputs := ["x"]}, E#{keep := none}, E#{keep := new, first := 3, draws := 1}]].

bytes_that_are_none_are_refused_test_() ->
    Good = drey_checkpoint:write(example()),
    Of = fun(Encoded) -> <<"DREYCKPT", 1:32/little, (crypto:hash(sha256, Encoded))/binary, Encoded/binary>> end,
    <<131, Unknown/binary>> = <<131, 116, 1:32, 119, 30, "an_atom_that_no_one_has_seen_99", 97, 1>>,
    [?_assertMatch({error, #{reason := wrong_checkpoint, message := <<_, _/binary>>}}, drey_checkpoint:read(Bytes))
     || Bytes <- [none, "DREYCKPT", <<>>, <<"DREYCKPT">>, <<"DREYCKPT", 2:32/little, 0:256, 116>>, <<Good/binary, 0>>,
                  binary:part(Good, 0, byte_size(Good) - 1), <<"X", Good/binary>>,
                  Of(<<116, 16#ffffffff:32>>), Of(<<116, 0:32, 1, 2, 3>>), Of(<<116, 0:32>>), Of(Unknown),
                  %% compressed: what is small may not become large
                  Of(begin <<131, Z/binary>> = term_to_binary(#{a => binary:copy(<<0>>, 1 bsl 20)}, [compressed]), Z end)]].

every_damage_is_found_test() ->
    Good = drey_checkpoint:write(example()),
    [?assertMatch({error, #{reason := wrong_checkpoint}},
                  drey_checkpoint:read(begin <<A:At/binary, X, B/binary>> = Good, <<A/binary, (X bxor 16), B/binary>> end))
     || At <- lists:seq(0, byte_size(Good) - 1, 7)].
