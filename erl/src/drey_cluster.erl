%% @doc One run on several nodes: warm up once, hand the tuning to all, split the chains, join the draws.
%%
%% A chain's draws depend on the model, the seed, its global number and the tuning, not on who ran it. So the
%% result is that of one node running all chains, whatever the nodes, and the chains of a node that was lost are
%% simply run again by another. The work is cut in chunks of chains: a node that is done takes the next, as large as
%% its measured rate lets it.
%%
%% With the option `stop' the run goes in rounds, from one of the draw numbers at which a run is looked at to the
%% next: each chunk goes on from the checkpoint of its last round, on whatever node, and this process decides on the
%% draws of all chains. So the run ends at the same draw as on one node.
%%
%% With the option `checkpoint' each chunk hands one out, and they are gathered into one that any node, or any others,
%% can go on from (see {@link drey_checkpoint}); what a chunk has drawn before, this process keeps. With
%% `checkpoint_every_ms' they hand them out on the way, too: gathered they go to the subscriber, and the chunk of a lost
%% node goes on from its own.
%%
%% What the jobs of the chunks stream goes through {@link drey_relay}.
-module(drey_cluster).

-export([sample/3]).

-define(DRAWS, 1000).  % where nobody names a number, as an engine
-define(CAP, 10000).  % draws, where `stop' ends the run

-record(run, {model :: drey:model(),
              given :: map(),  % the caller's options
              opts :: map(),
              nodes :: [node(), ...],
              lanes = #{} :: drey_shares:lanes(),
              chains = 1 :: pos_integer(),
              keep = all :: all | new | none,
              from = none :: none | drey_checkpoint:t(),  % what is resumed
              shapes = [] :: [{atom(), [pos_integer()]}],  % of the model's outputs, where a run is resumed
              until = infinity :: infinity | integer(),  % of the monotonic clock, in milliseconds
              relay = none :: none | pid(),
              save_at = infinity :: infinity | integer(),  % when the next checkpoint is due
              warmup_ms = 0 :: number()}).

%% @doc As drey:sample/2, on `Nodes'. The result has one key more, `nodes': who ran which chains, on what
%% device, in what time.
-spec sample([node()], drey:model(), drey:opts()) -> drey:answer(drey:result()).
sample(Nodes, Model, Opts0) ->
    case drey_cluster_options:as_map(Opts0) of
        {ok, Given} ->
            case drey_cluster_options:check(Nodes, Given) of
                ok -> streaming(#run{model = Model, given = Given, nodes = Nodes, until = until(Given), opts = #{}});
                {error, _} = Error -> Error
            end;
        {error, _} = Error ->
            Error
    end.

begin_or_resume(#run{given = #{resume := Binary}} = Run) -> resume(drey_checkpoint:read(Binary), Run);
begin_or_resume(Run) -> start(Run).

%% Who listens has all windows before the answer comes; until the deadline they keep to the credit.
streaming(#run{given = #{stream_to := Pid} = Given} = Run) when is_pid(Pid) ->
    Relay = drey_relay:start(Pid, maps:get(credit, Given, unlimited)),
    try begin_or_resume(Run#run{relay = Relay, save_at = due(0, Run)}) of
        {ok, _} = Answer -> drey_relay:drain(Relay, max(0, left(Run))), Answer;
        Error -> drey_relay:drain(Relay, 0), Error
    after
        exit(Relay, kill)
    end;
streaming(Run) ->
    begin_or_resume(Run).

%% When the next checkpoint is to be gathered, after one that took so many milliseconds: a quarter of this process's time
%% may go into them. The nodes draw on meanwhile, of whose time their own take a fiftieth.
due(Took, #run{given = #{checkpoint_every_ms := Ms}}) -> erlang:monotonic_time(millisecond) + max(Ms, 3 * Took);
due(_, _) -> infinity.

until(#{deadline_ms := Ms}) when is_integer(Ms), Ms > 0 -> erlang:monotonic_time(millisecond) + Ms;
until(_) -> infinity.

%% A new run --------------------------------------------------------------------------------------------

%% Each node says how many chains keep it busy; where nobody names a number, it is that of all of them together.
start(#run{given = Given, nodes = Nodes} = Run) ->
    Lanes = lanes(lists:usort(Nodes)),
    Chains = maps:get(chains, Given, lists:sum([drey_shares:lanes(N, Lanes) || N <- lists:usort(Nodes)])),
    Opts = maps:merge(#{seed => fresh_seed(), first_chain => 0}, maps:remove(checkpoint, Given)),
    tell_chains(Chains, Run),
    warm(Nodes, Run#run{opts = Opts#{chains => Chains}, lanes = Lanes, chains = Chains, keep = maps:get(keep, Given, all)}).

tell_chains(_, #run{relay = none}) -> ok;
tell_chains(Chains, #run{relay = Relay}) -> drey_relay:chains(Relay, Chains).

lanes(Nodes) ->
    Answers = erpc:multicall(Nodes, drey, info, [], 10000),
    maps:from_list([{Node, Chains} || {Node, {ok, #{chains := Chains}}} <- lists:zip(Nodes, Answers),
                                      is_integer(Chains), Chains > 0]).

warm(Nodes, #run{opts = #{tuning := _}} = Run) ->
    draw(Run#run{nodes = Nodes});
warm([Node | Others], #run{model = Model, opts = Opts} = Run) ->
    Start = erlang:monotonic_time(millisecond),
    Asked = streamed(maps:without([stop, checkpoint_every_ms], Opts), Node, warm_up, Run),
    case drey:warmup(Node, Model, in_time(Asked, Run)) of
        {ok, Tuning} ->
            draw(Run#run{nodes = [Node | Others], opts = Opts#{tuning => Tuning},
                         warmup_ms = erlang:monotonic_time(millisecond) - Start});
        {error, #{reason := noconnection}} when Others =/= [] ->
            warm(Others, Run);
        {error, _} = Error ->
            Error
    end.

%% What a job streams comes to the relay, which lets it send more.
streamed(Opts, _, _, #run{relay = none}) -> Opts;
streamed(Opts, Node, Chunk, #run{relay = Relay}) ->
    maps:merge(Opts, (drey_relay:options())#{stream_to => drey_relay:ear(Relay, Node, Chunk)}).

%% The deadline is of the run, whatever part of it a node does.
in_time(Opts, #run{until = infinity}) -> Opts;
in_time(Opts, Run) -> Opts#{deadline_ms => max(1, left(Run))}.

left(#run{until = infinity}) -> infinity;
left(#run{until = Until}) -> Until - erlang:monotonic_time(millisecond).

fresh_seed() ->
    rand:uniform(1 bsl 32) - 1.

%% A run that goes on ------------------------------------------------------------------------------------

resume({error, _} = Error, _) ->
    Error;
resume({ok, #{options := Then, tuning := Tuning, keep := Kept} = Checkpoint}, #run{given = Given, nodes = Nodes} = Run) ->
    Other = [{Name, Now, Before} || Name <- [chains, first_chain], {ok, Now} <- [maps:find(Name, Given)],
                                    Before <- [maps:get(Name, Then)], Now =/= Before],
    Keep = maps:get(keep, Given, Kept),
    case Other of
        [{Name, Now, Before} | _] ->
            drey_error:new(wrong_checkpoint, "the checkpoint is of a run with ~ts ~b, not ~b; leave the option out",
                           [Name, Before, Now]);
        [] when Keep =/= Kept, Keep =/= none ->
            drey_error:new(wrong_checkpoint, "the checkpoint was made with another `keep`, and does not hold what this one "
                                             "needs; leave keep out", []);
        [] when is_map_key(stop, Given), Keep =/= all ->
            drey_error:new(bad_option, "stop looks at all draws, which this checkpoint does not hold; leave stop out", []);
        [] ->
            Opts = maps:merge(maps:with([draws, seed, chains, first_chain], Then), maps:without([resume, checkpoint], Given)),
            From = case Keep of
                       none -> Checkpoint#{keep := none, first := 0, draws := 0, arrays := #{}, stats := #{}};
                       _ -> Checkpoint
                   end,
            tell_chains(drey_checkpoint:chains(Checkpoint), Run),
            goes_on(shapes(From, Run), From, Run#run{opts = Opts#{tuning => Tuning}, keep = Keep, lanes = lanes(lists:usort(Nodes)),
                                                     chains = drey_checkpoint:chains(Checkpoint)})
    end.

goes_on({ok, Shapes}, From, Run) -> draw(Run#run{from = From, shapes = Shapes});
goes_on({error, _} = Error, _, _) -> Error.

%% The outputs of the model in its order, with their shapes; what the checkpoint holds must be of them.
shapes(#{arrays := Arrays, outputs := Names}, #run{model = Model, nodes = Nodes}) ->
    case drey_join:ask(Nodes, Model) of
        {ok, #{outputs := Outputs}} ->
            Shapes = [{Name, Shape} || #{name := Name, shape := Shape} <- Outputs],
            Fits = fun(Name, {_, [_, _, Size], _}) ->
                           lists:foldl(fun erlang:'*'/2, 1, proplists:get_value(Name, Shapes, [-1])) =:= Size
                   end,
            case Names -- [Name || {Name, _} <- Shapes] =:= [] andalso lists:all(fun({N, A}) -> Fits(N, A) end, maps:to_list(Arrays)) of
                true -> {ok, Shapes};
                false -> drey_error:new(wrong_checkpoint, "the checkpoint is of another model", [])
            end;
        {error, _} = Error ->
            Error
    end.

%% Drawing -----------------------------------------------------------------------------------------------

draw(#run{opts = #{stop := Rule}} = Run) ->
    case drey_stop:read(Rule) of
        {ok, Stop} -> in_rounds(Run, Stop);
        {error, _} = Error -> Error
    end;
draw(#run{nodes = Nodes} = Run) ->
    Call = fun(Chunk) -> options(standing(piece(Chunk, Run), Run), checkpoint_options(Run), Run) end,
    Standing = fun(Parts, Streamed) ->
                     Done = [Chunk || #{chunk := Chunk} <- Parts],
                     complete(in_order([drey_pieces:add(piece(Chunk, Run), P) || #{chunk := Chunk} = P <- Parts]
                                       ++ [drey_pieces:stands(piece(Chunk, Run), Checkpoint)
                                           || {Chunk, Checkpoint} <- maps:to_list(maps:without(Done, Streamed))]), 0, Run)
             end,
    case drey_work:do(drey_shares:all(Run#run.chains, Run#run.lanes, length(Nodes)), plan(Call, Standing, Run)) of
        {error, _} = Error ->
            Error;
        {Ended, Parts} ->
            Made = [drey_pieces:add(piece(Chunk, Run), P) || #{chunk := Chunk} = P <- Parts],
            finish(Ended, complete(Made, 0, Run), Run, #{})
    end.

%% How the chunks of a run are worked off. `Call' is a chunk's options; `Standing' the pieces as they stand, from the parts
%% that are done and the last checkpoints of those that are not.
plan(Call, Standing, #run{model = Model, given = Given, nodes = Nodes, lanes = Lanes, chains = Chains, until = Until,
                          save_at = SaveAt} = Run) ->
    #{nodes => Nodes, lanes => Lanes, chains => Chains, until => Until, cuts => maps:get(checkpoint, Given, false),
      ask => fun(Node, Chunk) -> [Model, streamed(Call(Chunk), Node, Chunk, Run)] end,
      save_at => SaveAt, save => fun(Parts) -> save(Parts, Standing, Run) end}.

%% A checkpoint of the whole run goes to the subscriber: of chunks that are done, of those that run as they last said.
save(Parts, Standing, #run{relay = Relay} = Run) ->
    Start = erlang:monotonic_time(millisecond),
    case gather(Standing(Parts, drey_relay:checkpoints(Relay)), Run) of
        {ok, Gathered} ->
            [drey_relay:checkpoint(Relay, Checkpoint) || #{checkpoint := Checkpoint} <- [Gathered]],
            {ok, due(erlang:monotonic_time(millisecond) - Start, Run)};
        {error, _} = Error ->
            Error
    end.

piece(Chunk, #run{from = none}) -> drey_pieces:fresh(Chunk);
piece(Chunk, #run{from = From, shapes = Shapes}) -> drey_pieces:resumed(Chunk, From, maps:from_list(Shapes)).

in_order(Pieces) -> lists:sort(fun(A, B) -> drey_pieces:chunk(A) =< drey_pieces:chunk(B) end, Pieces).

%% A chunk whose node was lost goes on from the last checkpoint that came from there.
standing(Piece, #run{save_at = infinity}) ->
    Piece;
standing(Piece, #run{relay = Relay}) ->
    Chunk = drey_pieces:chunk(Piece),
    case drey_relay:checkpoints(Relay) of
        #{Chunk := Checkpoint} -> drey_pieces:stands(Piece, Checkpoint);
        _ -> Piece
    end.

%% With the chains between them that no node came to.
complete([], Next, #run{chains = Chains} = Run) ->
    [piece({Next, Chains - Next}, Run) || Next < Chains];
complete([Piece | Pieces], Next, Run) ->
    {First, Count} = drey_pieces:chunk(Piece),
    [piece({Next, First - Next}, Run) || Next < First] ++ [Piece | complete(Pieces, First + Count, Run)].

%% Draws that were made before stay here; a chunk sends those that it makes.
checkpoint_options(#run{given = Given, from = From, keep = Keep}) ->
    case Given of
        #{checkpoint := true} when From =:= none -> #{checkpoint => true, keep => kept(Keep)};
        #{checkpoint_every_ms := _} when From =:= none -> #{checkpoint => true, keep => kept(Keep)};
        #{checkpoint := true} -> #{checkpoint => true};
        #{checkpoint_every_ms := _} -> #{checkpoint => true};
        _ -> #{}
    end.

kept(none) -> none;
kept(_) -> new.

%% Those of a call that runs a piece, on from where it stands.
options(Piece, More, #run{given = Given, opts = Opts, from = From} = Run) ->
    {First, Count} = drey_pieces:chunk(Piece),
    Of = case drey_pieces:checkpoint(Piece) of
             none ->
                 (maps:remove(stop, Opts))#{chains => Count, first_chain => maps:get(first_chain, Opts) + First};
             Checkpoint ->
                 %% What is the checkpoint's; and outputs, of which a run that began here may draw more than are returned.
                 Own = [chains, first_chain, tuning, checkpoint, keep, stop, warmup] ++ [outputs || From =:= none],
                 (maps:without(Own, Given))#{resume => Checkpoint}
         end,
    in_time(maps:merge(Of#{summary => false}, More), Run).

%% Ending ------------------------------------------------------------------------------------------------

%% All draws are made, or those until a deadline or a cancel.
finish(ok, Pieces, Run, Said) ->
    case {joined(Pieces, Run, Said), gathered(Pieces, Run)} of
        {{ok, Result}, {ok, Checkpoint}} -> {ok, maps:merge(Result, Checkpoint)};
        {{ok, _}, {error, _} = Error} -> Error;
        {{error, _} = Error, _} -> Error
    end;
finish({cut, {error, #{reason := Reason} = Why}}, Pieces, #run{keep = Keep, opts = Opts} = Run, Said) ->
    case gathered(Pieces, Run) of
        {error, _} = Error ->
            Error;
        {ok, None} when map_size(None) =:= 0 ->  % nothing has begun
            {error, maps:with([reason, message], Why)};
        {ok, Checkpoint} ->
            Draws = lists:min([drey_pieces:handed(P) || P <- Pieces]),
            {error, Cut} =
                drey_error:new(Reason, "~ts after ~b of ~p draws; `checkpoint` goes on from here (option resume)",
                               [case Reason of deadline -> "deadline_ms passed"; _ -> "a job was cancelled" end, Draws,
                                maps:get(draws, Opts, ?DRAWS)]),
            Of = maps:merge(Cut#{draws => Draws}, Checkpoint),
            case Keep =/= none andalso Draws > drey_pieces:first(hd(Pieces))
                andalso joined([drey_pieces:cut(P, Draws) || P <- Pieces], Run, Said) of
                {ok, Result} -> {error, Of#{result => Result}};
                _ -> {error, Of}
            end
    end.

joined(Pieces, #run{model = Model, opts = Opts, nodes = Nodes, warmup_ms = WarmupMs, keep = Keep}, Said) ->
    First = case Keep of
                none -> maps:get(draws, Opts, ?DRAWS);
                _ -> drey_pieces:first(hd(Pieces))
            end,
    drey_join:results(lists:append([drey_pieces:parts(P) || P <- Pieces]), [returned(P, Opts) || P <- Pieces], Model, Opts, Nodes,
                      Said#{warmup_ms => WarmupMs, first_draw => First}).

returned(Piece, #{outputs := Names}) when is_list(Names) ->
    #{draws := Draws} = Result = drey_pieces:result(Piece),
    Result#{draws => maps:with(Names, Draws)};
returned(Piece, _) ->
    drey_pieces:result(Piece).

%% The checkpoint of all pieces, where one is wanted and any of them has begun.
gathered(Pieces, #run{given = #{checkpoint := true}} = Run) -> gather(Pieces, Run);
gathered(_, _) -> {ok, #{}}.

gather(Pieces, #run{keep = Keep, opts = #{first_chain := First} = Opts}) ->
    case drey_pieces:gather(Keep, Pieces, First) of
        {ok, #{options := Options, outputs := Outputs} = Whole} ->
            Of = case Opts of
                     #{outputs := Names} when is_list(Names) -> [N || N <- Outputs, lists:member(N, Names)];
                     _ -> Outputs
                 end,
            {ok, #{checkpoint => drey_checkpoint:write(Whole#{options := maps:merge(Options, maps:with([draws], Opts)),
                                                              outputs := Of})}};
        none -> {ok, #{}};
        {error, _} = Error -> Error
    end.

%% Rounds ------------------------------------------------------------------------------------------------

in_rounds(#run{model = Model, opts = Opts, nodes = Nodes} = Run, Stop) ->
    case drey_join:ask(Nodes, Model) of
        {ok, #{parameters := Parameters}} ->
            Names = [Name || #{name := Name} <- Parameters],
            first_round(Run#run{opts = maps:merge(#{draws => ?CAP}, Opts)}, {Stop, Names});
        {error, _} = Error ->
            Error
    end.

first_round(#run{from = none, opts = #{draws := Cap} = Opts, nodes = Nodes, chains = Chains} = Run, {_, Names} = Rule) ->
    %% What is looked at must be there, whether or not it is returned.
    Drawn = case Opts of
                #{outputs := Returned} when is_list(Returned) -> #{outputs => Returned ++ (Names -- Returned)};
                _ -> #{}
            end,
    round(drey_stop:marks(Cap), [drey_pieces:fresh(Chunk) || Chunk <- drey_shares:chunks(Chains, length(Nodes))], Drawn#{keep => new}, Run, Rule);
first_round(#run{from = #{arrays := Arrays, outputs := Returned} = From, shapes = Shapes, opts = #{draws := Cap} = Opts,
                 nodes = Nodes, chains = Chains} = Run, {_, Names} = Rule) ->
    case [N || N <- Names, not is_map_key(N, Arrays)] of
        [] ->
            Of = Run#run{from = From#{outputs := [N || {N, _} <- Shapes, is_map_key(N, Arrays)]},
                         opts = maps:merge(#{outputs => Returned}, Opts)},
            case [M || M <- drey_stop:marks(Cap), M >= drey_checkpoint:most(From)] of
                [] -> drey_error:new(wrong_checkpoint, "the checkpoint has more draws than the ~b asked for", [Cap]);
                Marks -> round(Marks, [piece(Chunk, Of) || Chunk <- drey_shares:chunks(Chains, length(Nodes))], #{}, Of, Rule)
            end;
        [Missing | _] ->
            drey_error:new(bad_option, "stop looks at all parameters, and the checkpoint does not hold ~ts; leave stop out", [Missing])
    end.

round([Mark | Marks], Pieces, More, Run, {Stop, Names} = Rule) ->
    Of = maps:from_list([{drey_pieces:chunk(P), P} || P <- Pieces]),
    Call = fun(Chunk) -> options(standing(maps:get(Chunk, Of), Run), More#{draws => Mark, checkpoint => true}, Run) end,
    Standing = fun(Parts, Streamed) ->
                       Done = maps:from_list([{Chunk, P} || #{chunk := Chunk} = P <- Parts]),
                       [case {drey_pieces:chunk(P), P} of
                            {Chunk, _} when is_map_key(Chunk, Done) -> drey_pieces:add(P, maps:get(Chunk, Done));
                            {Chunk, _} when is_map_key(Chunk, Streamed) -> drey_pieces:stands(P, maps:get(Chunk, Streamed));
                            _ -> P
                        end || P <- Pieces]
               end,
    Run#run.relay =/= none andalso drey_relay:forget(Run#run.relay),
    case drey_work:do({list, [drey_pieces:chunk(P) || P <- Pieces]}, plan(Call, Standing, Run)) of
        {error, _} = Error ->
            Error;
        {Ended, Parts} ->
            Add = fun(#{chunk := Chunk} = P, Acc) -> Acc#{Chunk := drey_pieces:add(maps:get(Chunk, Acc), P)} end,
            Made = lists:foldl(Add, Of, Parts),
            Next = [maps:get(drey_pieces:chunk(P), Made) || P <- Pieces],
            case Ended =:= ok andalso look(Next, Names, Run) of
                false ->
                    finish(Ended, Next, Run, #{});
                {error, _} = Error ->
                    Error;
                {ok, Worst} ->
                    case drey_stop:reached(Stop, Worst) of
                        Reached when Reached; Marks =:= [] ->
                            finish(ok, Next, Run, #{stop => Worst#{reached => Reached, draws => Mark},
                                                    warnings => [drey_stop:warning(Stop, Mark, Worst) || not Reached]});
                        false ->
                            round(Marks, Next, #{}, Run, Rule)
                    end
            end
    end.

look(Pieces, Names, #run{nodes = Nodes}) ->
    case drey_draws:combine([maps:with(Names, maps:get(draws, drey_pieces:result(P))) || P <- Pieces]) of
        {ok, Draws} ->
            case drey_join:summary(Nodes, Draws) of
                {ok, Rows} -> {ok, drey_stop:worst(Rows)};
                {error, _} = Error -> Error
            end;
        {error, _} = Error ->
            Error
    end.
