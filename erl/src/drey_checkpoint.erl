%% @doc A checkpoint's insides, so that a run over several nodes can be cut and resumed: the checkpoints of its chunks
%% gathered into one, which is that of one node running all chains, and the part of some chains taken out of any.
%%
%% A chain's draws do not depend on who ran it, so where the chains of a checkpoint are cut apart does not matter. The
%% format is the engine's (c_src/service/checkpoint.cpp): a name, a version, a SHA-256, a term; the states of chains lie in
%% batches whose layout the checkpoint itself names (c_src/nuts/chain_state.cpp). Checkpoints come back from callers, so
%% every size is checked here before bytes are taken apart, and everything again by the engine that goes on.
-module(drey_checkpoint).

-export([read/1, write/1, part/3, gather/2, unbegun/1]).
-export([chains/1, chains/3, handed/1, most/1, slice/3, rows/3, kept/3]).

-export_type([t/0, piece/0]).

-define(MAGIC, "DREYCKPT").
-define(VERSION, 1).
-define(MOST, 1 bsl 40).

%% What the binary holds.
-type t() :: #{atom() => term()}.
%% Of some chains of a run: what became of them in the last call, and the draws that were made before it. `kept' are
%% arrays [Chains, Draws | _] of the draws from `first' on.
-type piece() :: #{first_chain := non_neg_integer(), chains := pos_integer(), checkpoint := t(), first := non_neg_integer(),
                   draws := #{atom() => drey:array()}, stats := #{atom() => drey:array()}}.
-type layout() :: #{real := 4 | 8, dimension := pos_integer(), pairs := non_neg_integer(), reals := pos_integer(),
                    words := pos_integer(), lanes := non_neg_integer()}.

%% Reading -----------------------------------------------------------------------------------------------

%% @doc Takes a checkpoint apart; nothing in it is believed.
-spec read(term()) -> {ok, t()} | {error, drey_error:t()}.
read(<<?MAGIC, ?VERSION:32/little, Sum:32/binary, 116, _/binary>> = Binary) ->
    Encoded = binary:part(Binary, 44, byte_size(Binary) - 44),
    case crypto:hash(sha256, Encoded) of
        Sum ->
            try check(binary_to_term(<<131, Encoded/binary>>, [safe]))
            catch
                throw:{error, _} = Error -> Error;
                error:_ -> refuse("it is damaged, or of another model than this VM has seen")
            end;
        _ ->
            refuse("it is damaged: its checksum does not agree")
    end;
read(<<?MAGIC, Version:32/little, _/binary>>) when Version =/= ?VERSION ->
    refuse("it has format ~b; format ~b is read here", [Version, ?VERSION]);
read(Binary) when is_binary(Binary) ->
    refuse("these bytes are no checkpoint of Drey");
read(Other) ->
    refuse("a checkpoint is a binary; found ~0tP", [Other, 8]).

refuse(What) -> refuse(What, []).
refuse(Format, Args) -> drey_error:new(wrong_checkpoint, "the checkpoint cannot be used: " ++ Format, Args).

need(true, _) -> ok;
need(false, What) -> throw(refuse(What)).

check(#{engine := _, model_key := _, data_key := _, tuning := #{}, options := #{chains := Chains, first_chain := First} = Options,
        keep := Keep, snapshot := Snapshot, outputs := Outputs, first := FirstDraw, draws := Draws, arrays := #{} = Arrays,
        stats := #{} = Stats} = Checkpoint) ->
    need(is_integer(Chains) andalso Chains >= 1 andalso Chains =< 65536, "its number of chains is none"),
    need(is_integer(First) andalso First >= 0 andalso First < 1 bsl 32, "its first chain is none"),
    need(lists:all(fun(Key) -> is_map_key(Key, Options) end, [draws, thin, seed, max_depth]), "its options are none"),
    need(lists:member(Keep, [all, new, none]), "its keep is none"),
    need(is_list(Outputs) andalso lists:all(fun erlang:is_atom/1, Outputs), "its outputs are no names"),
    need(count(FirstDraw) andalso count(Draws), "its draws are no numbers"),
    check_snapshot(Snapshot, Chains),
    Most = most(Checkpoint),
    need(case Keep of
             none -> Draws =:= 0;
             all -> FirstDraw =:= 0 andalso Draws =:= Most;
             new -> FirstDraw + Draws =:= Most andalso FirstDraw =< handed(Checkpoint)
         end, "its draws are not those of its run"),
    need(Keep =:= none orelse lists:all(fun(Name) -> is_map_key(Name, Arrays) end, Outputs), "it lacks draws of its outputs"),
    [need(array(A, Chains, Draws, 1), "its draws are not of its chains") || A <- maps:values(Arrays)],
    [need(array(A, Chains, Draws, 0), "its stats are not of its chains") || A <- maps:values(Stats)],
    {ok, Checkpoint};
check(_) ->
    throw(refuse("it lacks what a checkpoint has")).

count(N) -> is_integer(N) andalso N >= 0 andalso N =< ?MOST.

array({Type, [Chains, Draws | Shape], Binary}, Chains, Draws, Rank) when is_binary(Binary), length(Shape) =:= Rank ->
    lists:all(fun count/1, Shape) andalso
        byte_size(Binary) =:= lists:foldl(fun erlang:'*'/2, size_of(Type) * Chains * Draws, Shape);
array(_, _, _, _) ->
    false.

size_of(f64) -> 8;
size_of(f32) -> 4;
size_of(s32) -> 4;
size_of(u8) -> 1.

check_snapshot(#{layout := Text, batches := Batches, suspects := Suspects, divergent := A, deep := B, gradients := C}, Chains) ->
    Layout = layout(Text),
    need(count(A) andalso count(B) andalso count(C), "its counts are none"),
    need(is_list(Batches), "it has no batches"),
    need(lists:foldl(fun(Batch, Next) -> check_batch(Batch, Next, Chains, Layout) end, 0, Batches) =:= Chains,
         "its chains are not those of the run"),
    [need(case S of
              #{chain := Chain, draw := Draw, before := {f64, [_], _}} -> count(Chain) andalso Chain < Chains andalso count(Draw);
              _ -> false
          end, "its divergences are not of its chains") || S <- Suspects],
    ok;
check_snapshot(_, _) ->
    throw(refuse("it lacks the states of its chains")).

check_batch(#{first := First, count := Count, draws := Draws, ahead := Ahead, state := State, record := Record,
              last := {f64, [Last], LastBytes}}, Next, Chains, #{dimension := D, real := Real} = Layout)
  when is_binary(State), is_binary(Record), is_binary(LastBytes) ->
    need(First =:= Next andalso is_integer(Count) andalso Count >= 1 andalso Count =< Chains - Next,
         "its chains are not those of the run"),
    need(count(Draws) andalso count(Ahead), "its draws are no numbers"),
    need(byte_size(State) =:= case State of
                                  <<>> when Draws =:= 0, Ahead =:= 0 -> 0;
                                  _ -> Count * (maps:get(reals, Layout) * Real + maps:get(words, Layout) * 4)
                              end, "its states are not of its chains"),
    need(byte_size(Record) =:= Ahead * Count * pairs(D) * 2 * Real, "its records are not of its chains"),
    need(Last =:= case Draws of 0 -> 0; _ -> Count * D end andalso byte_size(LastBytes) =:= 8 * Last,
         "its last draws are not of its chains"),
    Next + Count;
check_batch(_, _, _, _) ->
    throw(refuse("its batches are none")).

-spec layout(term()) -> layout().
layout(Text) ->
    case is_binary(Text) andalso
        re:run(Text, "^v4 (f32|f64) dimension (\\d{1,7}) rows \\d+ pairs (\\d{1,9}) reals (\\d{1,9}) words (\\d{1,4}) lanes (\\d{1,4}) rank \\d+ \\w+$",
               [{capture, all_but_first, binary}, dollar_endonly]) of
        {match, [Real | Numbers]} ->
            [D, Pairs, Reals, Words, Lanes] = [binary_to_integer(N) || N <- Numbers],
            need(2 * Pairs =< Reals, "its states have more pairs than numbers"),
            #{real => case Real of <<"f64">> -> 8; _ -> 4 end, dimension => D, pairs => Pairs, reals => Reals, words => Words,
              lanes => Lanes};
        _ ->
            throw(refuse("its states are laid out as this version does not know; resume it on one node"))
    end.

%% @doc The binary that an engine goes on from.
-spec write(t()) -> binary().
write(Checkpoint) ->
    <<131, Encoded/binary>> = term_to_binary(Checkpoint, [{minor_version, 2}]),
    <<?MAGIC, ?VERSION:32/little, (crypto:hash(sha256, Encoded))/binary, Encoded/binary>>.

-spec chains(t()) -> pos_integer().
chains(#{options := #{chains := Chains}}) -> Chains.

%% @doc The same of other chains, before any of them began.
-spec chains(t(), non_neg_integer(), pos_integer()) -> t().
chains(#{options := Options, snapshot := #{batches := [Batch]} = Snapshot, arrays := Arrays, stats := Stats} = Unbegun, First, Count) ->
    Of = fun(_, {Type, [_ | Shape], <<>>}) -> {Type, [Count | Shape], <<>>} end,
    Unbegun#{options := Options#{chains := Count, first_chain := First}, snapshot := Snapshot#{batches := [Batch#{count := Count}]},
             arrays := maps:map(Of, Arrays), stats := maps:map(Of, Stats)}.

%% @doc Draws that all of its chains have handed out.
-spec handed(t()) -> non_neg_integer().
handed(#{snapshot := #{batches := Batches}}) -> lists:min([N || #{draws := N} <- Batches]).

%% @doc Draws that any of its chains have handed out.
-spec most(t()) -> non_neg_integer().
most(#{snapshot := #{batches := Batches}}) -> lists:max([N || #{draws := N} <- Batches]).

%% @doc The draws of its outputs, and the stats, that all of the chains [First, First + Count) have handed out; from its
%% `first' on.
-spec kept(t(), non_neg_integer(), pos_integer()) -> {#{atom() => drey:array()}, #{atom() => drey:array()}}.
kept(#{keep := none}, _, _) ->
    {#{}, #{}};
kept(#{outputs := Outputs, arrays := Arrays, stats := Stats, first := From, snapshot := #{batches := Batches}}, First, Count) ->
    Handed = lists:min([N || #{first := F, count := C, draws := N} <- Batches, F < First + Count, F + C > First]),
    Take = fun(_, A) -> slice(rows(A, First, Count), 0, Handed - From) end,
    {maps:map(Take, maps:with(Outputs, Arrays)), maps:map(Take, Stats)}.

%% Taking apart ------------------------------------------------------------------------------------------

%% @doc The chains [First, First + Count) alone, counted from the checkpoint's first. It holds none of the draws that all
%% of them have handed out: those are the caller's.
-spec part(t(), non_neg_integer(), pos_integer()) -> t().
part(#{options := #{first_chain := RunFirst} = Options, snapshot := Snapshot, keep := Keep, arrays := Arrays, stats := Stats,
       first := HeldFrom} = Checkpoint, First, Count) ->
    #{layout := Text, batches := Batches, suspects := Suspects} = Snapshot,
    Layout = layout(Text),
    Cut = [columns(Layout, B, max(First, F) - F, min(First + Count, F + N) - max(First, F), max(First, F) - First)
           || #{first := F, count := N} = B <- Batches, F < First + Count, F + N > First],
    Own = Snapshot#{batches := Cut,
                    suspects := [S#{chain := C - First} || #{chain := C} = S <- Suspects, C >= First, C < First + Count]},
    %% What is counted for the run as a whole goes with its first chains.
    Counted = case First of 0 -> Own; _ -> Own#{divergent := 0, deep := 0, gradients := 0} end,
    Of = Checkpoint#{options := Options#{chains := Count, first_chain := RunFirst + First}, snapshot := Counted},
    case Keep of
        none ->
            Of;
        _ ->
            [From, To] = [handed(Of), most(Of)],
            Take = fun(_, A) -> slice(rows(A, First, Count), From - HeldFrom, To - HeldFrom) end,
            Of#{keep := new, first := From, draws := To - From, arrays := maps:map(Take, Arrays), stats := maps:map(Take, Stats)}
    end.

%% The chains [From, From + Width) of a batch, as chains that begin at First.
columns(_, #{count := Width} = Batch, 0, Width, First) ->
    Batch#{first := First};
columns(#{real := Real, pairs := Pairs, reals := Reals, words := Words, lanes := Lanes, dimension := D},
        #{count := Count, ahead := Ahead, state := State, record := Record, last := {f64, [Last], LastBytes}} = Batch,
        From, Width, First) ->
    Cut = fun(Bytes, Rows, Size) -> matrix(Bytes, Rows, Count, From, Width, Size) end,
    Split = fun(Bytes, At) -> {binary:part(Bytes, 0, At), binary:part(Bytes, At, byte_size(Bytes) - At)} end,
    NewState = case State of
                   <<>> -> <<>>;
                   _ ->
                       {R, W} = Split(State, Reals * Count * Real),
                       {P, Singles} = Split(R, 2 * Pairs * Count * Real),
                       iolist_to_binary([case Lanes of
                                             0 -> [Cut(P, Pairs, 2 * Real), Cut(Singles, Reals - 2 * Pairs, Real)];
                                             _ -> Cut(R, 1, Reals * Real)
                                         end, Cut(W, Words, 4)])
               end,
    NewLast = case Last of 0 -> <<>>; _ -> binary:part(LastBytes, From * D * 8, Width * D * 8) end,
    Batch#{first := First, count := Width, state := NewState,
           record := iolist_to_binary(Cut(Record, Ahead * pairs(D), 2 * Real)),
           last := {f64, [byte_size(NewLast) div 8], NewLast}}.

%% Pairs of numbers that a recorded draw has (RecordLayout in c_src/nuts/kernel_source.h).
pairs(Dimension) ->
    2 + (Dimension + 1) div 2.

%% Of a matrix [Rows][Count] of elements of Size bytes, the columns [From, From + Width).
matrix(Bytes, Rows, Count, From, Width, Size) ->
    [binary:part(Bytes, (Row * Count + From) * Size, Width * Size) || Row <- lists:seq(0, Rows - 1)].

%% @doc Of an array [Chains, ..] some chains.
-spec rows(drey:array(), non_neg_integer(), non_neg_integer()) -> drey:array().
rows({Type, [Chains | Shape], Binary}, First, Count) ->
    Size = byte_size(Binary) div Chains,
    {Type, [Count | Shape], binary:part(Binary, First * Size, Count * Size)}.

%% @doc Of an array [Chains, Draws | Shape] the draws [From, To) of each chain.
-spec slice(drey:array(), non_neg_integer(), non_neg_integer()) -> drey:array().
slice({_, [_, To | _], _} = Array, 0, To) ->
    Array;
slice({Type, [Chains, Draws | Shape], Binary}, From, To) ->
    Size = byte_size(Binary) div max(1, Chains * Draws),
    {Type, [Chains, To - From | Shape],
     iolist_to_binary([binary:part(Binary, (C * Draws + From) * Size, (To - From) * Size) || C <- lists:seq(0, Chains - 1)])}.

%% Gathering ---------------------------------------------------------------------------------------------

%% @doc The same chains before any of them began: what a chunk is that nobody has run yet.
-spec unbegun(t()) -> t().
unbegun(#{options := #{chains := Chains}, snapshot := Snapshot, keep := Keep, arrays := Arrays, stats := Stats} = Checkpoint) ->
    Empty = fun(_, {Type, [_, _ | Shape], _}) -> {Type, [Chains, 0 | Shape], <<>>} end,
    Checkpoint#{snapshot := Snapshot#{batches := [#{first => 0, count => Chains, draws => 0, ahead => 0, state => <<>>,
                                                    record => <<>>, last => {f64, [0], <<>>}}],
                                      suspects := [], divergent := 0, deep := 0, gradients := 0},
                keep := case Keep of none -> none; _ -> new end, first := 0, draws := 0,
                arrays := maps:map(Empty, Arrays), stats := maps:map(Empty, Stats)}.

%% @doc One checkpoint of all chains, of pieces in the order of their chains that leave none out.
-spec gather(all | new | none, [piece(), ...]) -> {ok, t()} | {error, drey_error:t()}.
gather(Keep, [#{checkpoint := #{options := Options, snapshot := Snapshot, outputs := Outputs} = First} | _] = Pieces) ->
    Checkpoints = [C || #{checkpoint := C} <- Pieces],
    case lists:usort([{maps:get(layout, S), M, D} || #{snapshot := S, model_key := M, data_key := D} <- Checkpoints]) of
        [_] ->
            Sum = fun(Key) -> lists:sum([maps:get(Key, S) || #{snapshot := S} <- Checkpoints]) end,
            Whole = Snapshot#{batches := [B#{first := F + At} || #{first_chain := At, checkpoint := #{snapshot := #{batches := Bs}}} <- Pieces,
                                                                 #{first := F} = B <- Bs],
                              suspects := [S#{chain := C + At} || #{first_chain := At, checkpoint := #{snapshot := #{suspects := Ss}}} <- Pieces,
                                                                  #{chain := C} = S <- Ss],
                              divergent := Sum(divergent), deep := Sum(deep), gradients := Sum(gradients)},
            Chains = lists:sum([N || #{chains := N} <- Pieces]),
            Of = First#{options := Options#{chains := Chains}, snapshot := Whole, keep := Keep},
            From = case Keep of new -> handed(Of); _ -> 0 end,
            To = case Keep of none -> 0; _ -> most(Of) end,
            Join = fun(Which, Held, Names, Shape) ->
                           maps:from_list([{Name, join([held(P, maps:get(Name, maps:get(Which, P), none),
                                                             maps:get(Name, maps:get(Held, C), none), From)
                                                        || #{checkpoint := C} = P <- Pieces], To - From, Shape)} || Name <- Names])
                   end,
            {Arrays, Stats} = case Keep of
                                  none -> {#{}, #{}};
                                  _ -> {Join(draws, arrays, Outputs, fun(Size) -> [Size] end),
                                        Join(stats, stats, maps:keys(maps:get(stats, First)), fun(1) -> [] end)}
                              end,
            {ok, Of#{first := From, draws := To - From, arrays := Arrays, stats := Stats}};
        _ ->
            drey_error:new(wrong_checkpoint, "the nodes of this run lay out its chains differently (subgroups of different sizes): "
                                             "their checkpoints cannot be one; take mapping => invocation")
    end.

%% What a piece holds of one array from draw From on, made before and in its checkpoint: the types that it has there with
%% the bytes of a draw, and the rows of its chains.
held(#{chains := Chains, first := First, checkpoint := #{first := Handed}}, Before, Ahead, From) ->
    {Type, Rows} = rows_from(Before, Chains, From - First),
    {AheadType, AheadRows} = rows_from(Ahead, Chains, max(0, From - Handed)),
    {Type ++ AheadType, lists:zipwith(fun(B, A) -> <<B/binary, A/binary>> end, Rows, AheadRows)}.

rows_from({Type, [_, Draws | Shape], Binary}, Chains, Skip) ->
    Width = lists:foldl(fun erlang:'*'/2, size_of(Type), Shape),
    Size = Draws * Width,
    At = min(Size, Skip * Width),
    {[{Type, Width}], [binary:part(Binary, C * Size + At, Size - At) || C <- lists:seq(0, Chains - 1)]};
rows_from(none, Chains, _) ->
    {[], lists:duplicate(Chains, <<>>)}.

%% Rows end where their chains stand; to be an array they are filled up, which the engine overwrites.
join(Held, Draws, Shape) ->
    [{Type, Width} | _] = lists:append([T || {T, _} <- Held]),
    Rows = lists:append([R || {_, R} <- Held]),
    {Type, [length(Rows), Draws | Shape(Width div size_of(Type))],
     iolist_to_binary([[R, <<0:(8 * (Draws * Width - byte_size(R)))>>] || R <- Rows])}.
