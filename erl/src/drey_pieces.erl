%% @doc What a coordinator knows of some chains of a run: the draws that they have made, where they stand, who ran them. A
%% run is a list of pieces, in the order of their chains, that leave none out; from them come its result and its checkpoint.
-module(drey_pieces).

-export([fresh/1, resumed/3, add/2, stands/2, checkpoint/1, result/1, parts/1, chunk/1]).
-export([first/1, handed/1, gather/3, cut/2]).

%% `draws' and `stats' are arrays of the draws from `first' on; `result' is what the last call said besides.
-opaque piece() :: #{chunk := drey_shares:chunk(), first := non_neg_integer(), draws := #{atom() => drey:array()},
                     stats := #{atom() => drey:array()}, checkpoint := none | binary(), result := map(),
                     parts := [drey_join:part()]}.
-export_type([piece/0]).

%% @doc Chains that nobody has run yet.
-spec fresh(drey_shares:chunk()) -> piece().
fresh(Chunk) ->
    #{chunk => Chunk, first => 0, draws => #{}, stats => #{}, checkpoint => none, result => #{}, parts => []}.

%% @doc Chains of a run that goes on. `Shapes' are those of the outputs, by name.
-spec resumed(drey_shares:chunk(), drey_checkpoint:t(), #{atom() => [pos_integer()]}) -> piece().
resumed({First, Count} = Chunk, #{first := From} = Checkpoint, Shapes) ->
    Part = drey_checkpoint:part(Checkpoint, First, Count),
    {Draws, Stats} = drey_checkpoint:kept(Checkpoint, First, Count),
    (fresh(Chunk))#{first := From, checkpoint := drey_checkpoint:write(Part),
                    draws := maps:map(fun(Name, A) -> shaped(A, maps:get(Name, Shapes)) end, Draws), stats := Stats}.

%% A checkpoint's arrays are [Chains, Draws, Size].
shaped({Type, [Chains, Draws, _], Binary}, Shape) -> {Type, [Chains, Draws | Shape], Binary}.

%% @doc After a call: what it made comes behind what there was.
-spec add(piece(), drey_work:part()) -> piece().
add(#{draws := Draws, stats := Stats, parts := Parts} = Piece, #{result := Result, checkpoint := Checkpoint} = Part) ->
    Piece#{draws := behind(Draws, maps:get(draws, Result, #{})), stats := behind(Stats, maps:get(stats, Result, #{})),
           result := maps:without([draws, stats, checkpoint], Result), parts := Parts ++ [maps:remove(checkpoint, Part)],
           checkpoint := Checkpoint}.

%% @doc While a call runs: where its chains stood in the checkpoint that came last, which holds what it drew until then.
-spec stands(piece(), binary()) -> piece().
stands(Piece, Checkpoint) -> Piece#{checkpoint := Checkpoint}.

behind(Before, New) when map_size(New) =:= 0 -> Before;
behind(Before, New) when map_size(Before) =:= 0 -> New;
behind(Before, New) ->
    {ok, Both} = drey_draws:append([Before, New]),
    Both.

-spec checkpoint(piece()) -> none | binary().
checkpoint(#{checkpoint := Checkpoint}) -> Checkpoint.

-spec chunk(piece()) -> drey_shares:chunk().
chunk(#{chunk := Chunk}) -> Chunk.

%% @doc The number of the first draw that is kept.
-spec first(piece()) -> non_neg_integer().
first(#{first := First}) -> First.

%% @doc Draws that all of its chains have.
-spec handed(piece()) -> non_neg_integer().
handed(#{checkpoint := none}) -> 0;
handed(#{checkpoint := Binary}) ->
    {ok, Checkpoint} = drey_checkpoint:read(Binary),
    drey_checkpoint:handed(Checkpoint).

-spec parts(piece()) -> [drey_join:part()].
parts(#{parts := Parts}) -> Parts.

%% @doc As one call would have answered that made all of it.
-spec result(piece()) -> map().
result(#{draws := Draws, stats := Stats, result := Result, parts := Parts}) ->
    Whole = Result#{draws => Draws, stats => Stats},
    case {Result, Stats, Parts} of
        {#{diagnostics := D}, #{energy := {f64, [_, All], _} = Energy}, _} when All > 0 ->
            case lists:last(Parts) of
                #{result := #{stats := #{energy := {f64, [_, All], _}}}} -> Whole;  % it made all of them
                _ -> Whole#{diagnostics := D#{ebfmi => drey_draws:ebfmi(Energy)}}
            end;
        _ ->
            Whole
    end.

%% @doc One checkpoint of all of them, of a run that begins with the chain `RunFirst'. None where no chain has begun.
-spec gather(all | new | none, [piece(), ...], non_neg_integer()) -> {ok, drey_checkpoint:t()} | none | {error, drey_error:t()}.
gather(Keep, Pieces, RunFirst) ->
    Read = [{P, case C of none -> none; _ -> drey_checkpoint:read(C) end} || #{checkpoint := C} = P <- Pieces],
    case {[Error || {_, {error, _} = Error} <- Read], [Body || {_, {ok, Body}} <- Read]} of
        {[Error | _], _} -> Error;
        {[], []} -> none;
        {[], [Some | _]} ->
            Unbegun = drey_checkpoint:unbegun(Some),
            drey_checkpoint:gather(Keep, [#{first_chain => First, chains => Count, first => From, draws => Draws, stats => Stats,
                                            checkpoint => case Body of
                                                              {ok, Begun} -> Begun;
                                                              none -> drey_checkpoint:chains(Unbegun, RunFirst + First, Count)
                                                          end}
                                          || {#{chunk := {First, Count}, first := From, draws := Draws, stats := Stats}, Body} <- Read])
    end.

%% @doc With only the draws before `To', which it has.
-spec cut(piece(), non_neg_integer()) -> piece().
cut(#{first := First, draws := Draws, stats := Stats} = Piece, To) ->
    Take = fun(_, Array) -> drey_checkpoint:slice(Array, 0, To - First) end,
    Piece#{draws := maps:map(Take, Draws), stats := maps:map(Take, Stats)}.
