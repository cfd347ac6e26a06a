%% A run over several nodes, cut and resumed on any others: the bytes of the run that was not cut.
-module(beam_cut).

-export([cases/1]).

%% Of the nodes of run_doors: two drey_nodes and a BEAM.
cases({A, B, Peer}) ->
    Model = (drey_demo:eight_schools())#{generated => [{again, {normal_rng, mu, tau}}]},
    Opts = #{chains => 10, warmup => 100, draws => 40, seed => 31},
    {ok, Whole0} = drey:sample(A, Model, Opts),
    #{tuning := Tuning} = Whole0,
    %% Seconds of work, of which a deadline cuts off some.
    Long = Opts#{tuning => Tuning, thin => 5000},
    Same = fun(One, Other) ->
                   [true = maps:get(Key, One) =:= maps:get(Key, Other) || Key <- [draws, stats, summary, seed, first_chain, first_draw]]
           end,
    Cut = fun(Nodes, Given, Ms) -> cut(Model, Given#{nodes => Nodes, checkpoint => true}, Ms) end,
    Resume = fun(Nodes, Given) -> {ok, R} = drey:sample(Model, Given#{nodes => Nodes}), R end,
    Uncut = fun() ->
                    persistent_term:get({?MODULE, long}, none) =:= none andalso
                        begin {ok, R} = drey:sample(B, Model, Long), persistent_term:put({?MODULE, long}, R) end,
                    persistent_term:get({?MODULE, long})
            end,
    [{"a result of several nodes has a checkpoint, which lengthens it on one node, on several, on one of them",
      fun() ->
              {ok, #{checkpoint := Checkpoint, draws := Draws}} =
                  drey:sample(Model, Opts#{tuning => Tuning, draws => 20, checkpoint => true, nodes => [A, B, Peer]}),
              {ok, #{draws := Draws}} = drey:sample(Model, Opts#{tuning => Tuning, draws => 20, nodes => [B]}),
              {ok, One} = drey:sample(B, Model, #{resume => Checkpoint, draws => 40}),
              Same(Whole0, One),
              [Same(Whole0, Resume(Nodes, #{resume => Checkpoint, draws => 40})) || Nodes <- [[A, B], [Peer], [A, node(), Peer, B]]]
      end},
     {"a checkpoint of one node is resumed on several",
      fun() ->
              {ok, #{checkpoint := Checkpoint}} = drey:sample(A, Model, Opts#{tuning => Tuning, draws => 15, checkpoint => true}),
              Same(Whole0, Resume([A, B, Peer], #{resume => Checkpoint, draws => 40}))
      end},
     {"cut by its deadline on two nodes, resumed on one",
      fun() ->
              {Checkpoint, Draws, Made} = Cut([A, B], Long, 400),
              same_start(Made, Uncut(), Draws),
              {ok, One} = drey:sample(Peer, Model, #{resume => Checkpoint}),
              Same(Uncut(), One)
      end},
     {"cut by its deadline on one node, resumed on three, cut again and again",
      fun() ->
              {error, #{reason := deadline, checkpoint := First}} =
                  drey:sample(A, Model, Long#{deadline_ms => 300, checkpoint => true}),
              {Last, Cuts} = again(Model, [[A, B, Peer], [B], [Peer, A]], First, 0),
              true = Cuts >= 1,
              Same(Uncut(), Last)
      end},
     {"a node that is not there, and one that is lost on the way, change nothing",
      fun() ->
              {Checkpoint, _, _} = Cut(['gone@127.0.0.1', A, B], Long, 400),
              Same(Uncut(), Resume([Peer, 'gone@127.0.0.1', A], #{resume => Checkpoint})),
              {Other, _, _} = cut(Model, Long#{nodes => [A, B], checkpoint => true}, 600, fun() -> erlang:disconnect_node(B) end),
              Same(Uncut(), Resume([A, B], #{resume => Other}))
      end},
     {"a job cancelled on one node cuts the run",
      fun() ->
              Request = drey:sample_async(Model, Long#{nodes => [A, B], checkpoint => true}),
              true = beam_case:eventually(fun() -> [P || #{phase := P} <- jobs(A), P =:= sampling] =/= [] end),
              [ok = drey:cancel(A, Id) || #{id := Id} <- jobs(A)],
              {error, #{reason := cancelled, message := _, checkpoint := Checkpoint}} = drey:await(Request),
              Same(Uncut(), Resume([B, Peer], #{resume => Checkpoint}))
      end},
     {"keep => new and keep => none",
      fun() ->
              #{draws := Draws} = Uncut(),
              {New, _, Made} = Cut([A, B], Long#{keep => new}, 500),
              #{draws := Rest, first_draw := At} = Resume([B, Peer], #{resume => New}),
              [Known] = [D || #{draws := D} <- [Made]] ++ [none || Made =:= none],
              case Known of
                  none -> 0 = At, Draws = Rest;
                  _ -> {ok, Draws} = drey_draws:append([Known, Rest])
              end,
              {None, _, none} = Cut([A, B], Long#{keep => none, stream_to => self(), stream => draws}, 500),
              #{draws := Nothing} = Resume([B, Peer], #{resume => None, stream_to => self(), stream => draws}),
              0 = map_size(Nothing),
              Windows = windows(),
              Parts = [begin
                           Of = lists:sort([{D, W} || #{first_chain := F, first_draw := D} = W <- Windows, F =:= First]),
                           {ok, Part} = drey:append([W || {_, W} <- lists:usort(Of)]),
                           Part
                       end || First <- lists:usort([F || #{first_chain := F} <- Windows])],
              {ok, Draws} = drey_draws:combine(Parts)
      end},
     {"with a rule to stop by, cut and resumed, it stops where it would",
      fun() ->
              Stop = #{chains => 10, warmup => 100, seed => 31, tuning => Tuning, thin => 40, stop => #{ess => 1200, rhat => 1.03}},
              {ok, #{stop := #{reached := true, draws := N}} = One} = drey:sample(A, Model, Stop),
              {Checkpoint, Draws, _} = Cut([A, B], Stop#{outputs => [mu, tau, eta, theta, again]}, 300),
              true = Draws < N,
              #{stop := #{reached := true, draws := N}} = Many = Resume([B, Peer], #{resume => Checkpoint, stop => maps:get(stop, Stop)}),
              Same(One, Many)
      end},
     {"many chains, of which some were not begun",
      fun() ->
              Many = #{chains => 300, warmup => 100, draws => 6, seed => 19, thin => 100},
              {ok, #{tuning := Warm} = One} = drey:sample(A, Model, Many),
              {Checkpoint, _, _} = Cut([A, B], Many#{tuning => Warm}, 250),
              #{draws := Draws, stats := Stats} = One,
              #{draws := Draws, stats := Stats, nodes := Who} = Resume([A, B, Peer], #{resume => Checkpoint}),
              true = length(Who) >= 3
      end},
     {"what is wrong is refused",
      fun() ->
              {ok, #{checkpoint := Good}} = drey:sample(A, Model, Opts#{tuning => Tuning, draws => 5, checkpoint => true}),
              [{error, #{reason := Reason, message := <<_, _/binary>>}} = drey:sample(M, Given#{nodes => [A, B]})
               || {Reason, M, Given} <- [{wrong_checkpoint, Model, #{resume => <<>>}}, {wrong_checkpoint, Model, #{resume => none}},
                                         {wrong_checkpoint, Model, #{resume => <<Good/binary, 0>>}},
                                         {wrong_checkpoint, drey_demo:normal(), #{resume => Good}},
                                         {wrong_checkpoint, Model, #{resume => Good, chains => 3}},
                                         {wrong_checkpoint, Model, #{resume => Good, first_chain => 3}},
                                         {wrong_checkpoint, Model, #{resume => Good, seed => 3}},
                                         {wrong_checkpoint, Model, #{resume => Good, draws => 4}},
                                         {wrong_checkpoint, Model, #{resume => Good, keep => new}},
                                         {wrong_checkpoint, Model, #{resume => Good, outputs => [mu]}},
                                         {unknown_option, Model, #{resume => Good, drawz => 9}},
                                         {bad_option, Model, #{checkpoint => yes}}, {bad_option, Model, #{keep => some}}]],
              {error, #{reason := deadline}} = drey:sample(Model, Long#{nodes => [A, B], deadline_ms => 1, checkpoint => true}),
              {error, #{reason := deadline} = Plain} = drey:sample(Model, Long#{nodes => [A, B], deadline_ms => 300}),
              [message, reason] = lists:sort(maps:keys(Plain))
      end}].

jobs(Node) -> case rpc:call(Node, drey, jobs, []) of {ok, Jobs} -> Jobs; Jobs -> Jobs end.

windows() -> receive {drey, _, {draws, Window}} -> [Window | windows()]; {drey, _, _} -> windows() after 0 -> [] end.

cut(Model, Opts, Ms) -> cut(Model, Opts, Ms, fun() -> ok end).

%% With more time where nothing had begun, with less where all was done.
cut(Model, Opts, Ms, Meanwhile) ->
    spawn(fun() -> timer:sleep(Ms div 2), Meanwhile() end),
    case drey:sample(Model, Opts#{deadline_ms => Ms}) of
        {error, #{reason := deadline, message := _, draws := Draws, checkpoint := Checkpoint} = Error} ->
            {Checkpoint, Draws, maps:get(result, Error, none)};
        {error, #{reason := deadline}} -> windows(), cut(Model, Opts, 2 * Ms, Meanwhile);
        {ok, _} -> windows(), cut(Model, Opts, max(20, Ms div 3), Meanwhile)
    end.

again(Model, [Nodes | Others], Checkpoint, Cuts) ->
    case drey:sample(Model, #{resume => Checkpoint, nodes => Nodes, checkpoint => true, deadline_ms => 100 + 30 * Cuts}) of
        {ok, Result} -> {Result, Cuts};
        {error, #{reason := deadline, checkpoint := Next}} when Cuts < 200 -> again(Model, Others ++ [Nodes], Next, Cuts + 1)
    end.

%% The draws that a cut run had are the first of those of the whole.
same_start(none, _, 0) -> ok;
same_start(#{draws := Draws, stats := Stats}, #{draws := All, stats := AllStats}, N) when N > 0 ->
    [true = Part =:= drey_checkpoint:slice(maps:get(Name, Of), 0, N)
     || {Some, Of} <- [{Draws, All}, {Stats, AllStats}], {Name, Part} <- maps:to_list(Some)].
