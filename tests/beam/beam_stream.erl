%% What a run over several nodes tells the process named in `stream_to': one job, each draw once, as much as it has credit
%% for, and checkpoints of the whole.
-module(beam_stream).

-export([cases/1]).

%% Of the nodes of run_doors: two drey_nodes and a BEAM.
cases({A, B, Peer}) ->
    Model = (drey_demo:eight_schools())#{generated => [{again, {normal_rng, mu, tau}}]},
    Opts = #{chains => 10, warmup => 100, draws => 50, seed => 41, stream => draws, window => 5},
    Streamed = fun() -> Opts#{stream_to => self()} end,
    %% Seconds of work.
    Long = Opts#{thin => 4000},
    Whole = fun(Given) ->
                    {ok, #{draws := Draws}} = drey:sample(A, Model, maps:without([stream, window], Given)),
                    Draws
            end,
    Tuned = fun(Given) ->
                    {ok, Tuning} = drey:warmup(A, Model, maps:without([stream, window], Given)),
                    Given#{tuning => Tuning}
            end,
    [{"the jobs of several nodes stream as one, each draw once, whoever is among them",
      fun() ->
              Draws = Whole(Opts),
              [begin
                   {ok, #{draws := Draws}} = drey:sample(Model, (Streamed())#{nodes => Nodes}),
                   Windows = windows(),
                   [_] = lists:usort([Job || {Job, _} <- Windows]),
                   Draws = joined(Windows)
               end || Nodes <- [[A, B, Peer], [node(), A], [Peer]]]
      end},
     {"progress is of all chains of the run",
      fun() ->
              {ok, _} = drey:sample(Model, (Streamed())#{nodes => [A, B], stream => progress}),
              Said = progress(),
              [warmup, sampling] = [P || P <- [warmup, sampling], lists:member(P, [maps:get(phase, M) || M <- Said])],
              #{done := Done, total := Done} = lists:last([M || #{phase := sampling} = M <- Said]),
              Done = 10 * 50
      end},
     {"as many windows come as there is credit for, over all nodes",
      fun() ->
              Draws = Whole(Opts),
              Request = drey:sample_async(Model, (Streamed())#{nodes => [A, B, Peer], credit => 3}),
              First = some(3),
              [Job] = lists:usort([J || {J, _} <- First]),
              none = receive {drey, _, _} = More -> More after 300 -> none end,
              [{error, #{reason := wrong_type}} = drey:credit(Job, Wrong) || Wrong <- [0, -1, many]],
              ok = drey:credit(Job, 2),
              Next = some(2),
              none = receive {drey, _, _} = Again -> Again after 300 -> none end,
              ok = drey:credit(Job, 1000),
              {ok, #{draws := Draws}} = drey:await(Request, 60000),
              Draws = joined(First ++ Next ++ windows()),
              {error, #{reason := no_such_job}} = drey:credit(Job, 1),
              {error, #{reason := no_such_job}} = drey:cancel(Job)
      end},
     {"credit for a job that has no need of it",
      fun() ->
              Request = drey:sample_async(Model, (Streamed())#{nodes => [A, B], thin => 2000}),
              [{Job, _}] = some(1),
              {error, #{reason := bad_option}} = drey:credit(Job, 1),
              {ok, _} = drey:await(Request, 60000),
              windows()
      end},
     {"a deadline passes while windows wait for credit: what was drawn goes out",
      fun() ->
              {error, #{reason := deadline}} = drey:sample(Model, (Streamed())#{nodes => [A, B], credit => 1, deadline_ms => 1500}),
              true = length(windows()) > 1
      end},
     {"the run is cancelled by its job, and so are the jobs of its chunks",
      fun() ->
              Request = drey:sample_async(Model, Long#{stream_to => self(), nodes => [A, B], thin => 10000}),
              [{Job, _}] = some(1),
              ok = drey:cancel(Job),
              {error, #{reason := cancelled}} = drey:await(Request, 60000),
              windows(),
              true = beam_case:eventually(fun() -> [] =:= erpc:call(A, drey, jobs, []) ++ erpc:call(B, drey, jobs, []) end)
      end},
     {"checkpoints of the whole run come on the way; from any of them it goes on, on one node or on others",
      fun() ->
              Of = Tuned(Long#{draws => 40}),
              Draws = Whole(Of),
              {ok, #{draws := Draws} = Result} =
                  drey:sample(Model, Of#{stream_to => self(), stream => progress, nodes => [A, B, Peer], checkpoint_every_ms => 50}),
              false = is_map_key(checkpoint, Result),
              All = checkpoints(),
              true = length(All) >= 2,
              Middle = lists:nth((length(All) + 1) div 2, All),
              {ok, #{draws := Draws}} = drey:sample(B, Model, #{resume => lists:last(All)}),
              {ok, #{draws := Draws}} = drey:sample(Peer, Model, #{resume => Middle}),
              {ok, #{draws := Draws}} =
                  drey:sample(Model, #{resume => hd(All), nodes => [B, Peer], stream_to => self(), stream => progress, checkpoint_every_ms => 50}),
              {ok, #{draws := Draws}} = drey:sample(A, Model, #{resume => lists:last(checkpoints())})
      end},
     {"checkpoints of a run that keeps nothing, and of one that stops by a rule",
      fun() ->
              Of = Tuned(Long#{draws => 40}),
              {ok, _} = drey:sample(Model, Of#{stream_to => self(), keep => none, nodes => [A, B], checkpoint_every_ms => 50}),
              {Small, Before} = until_last_checkpoint(),
              {ok, #{draws := None}} = drey:sample(Peer, Model, #{resume => Small, stream_to => self(), stream => draws}),
              0 = map_size(None),
              true = joined(resumed(Before, windows())) =:= Whole(Of),
              Rule = (maps:without([draws], Of))#{stop => #{ess => 600}, thin => 200},
              {ok, #{draws := Drawn, stop := #{draws := N}}} = drey:sample(A, Model, maps:without([stream, window], Rule)),
              {ok, #{draws := Drawn, stop := #{draws := N}}} =
                  drey:sample(Model, Rule#{stream_to => self(), stream => progress, nodes => [A, B], checkpoint_every_ms => 20}),
              [_ | _] = All = checkpoints(),
              {ok, #{draws := Drawn, stop := #{draws := N}}} =
                  drey:sample(Model, #{resume => lists:last(All), stop => #{ess => 600}, nodes => [B, A]})
      end},
     {"a node is lost on the way: each draw comes once all the same",
      fun() ->
              [begin
                   Of = Tuned(Long#{draws => 40}),
                   Draws = Whole(Of),
                   Request = drey:sample_async(Model, maps:merge(Of#{stream_to => self(), nodes => [A, B]}, More)),
                   First = some(4),
                   true = erlang:disconnect_node(B),
                   {ok, #{draws := Draws, nodes := Who}} = drey:await(Request, 100000),
                   [A] = lists:usort([N || #{node := N} <- Who]),
                   Draws = joined(First ++ windows())
               end || More <- [#{}, #{checkpoint_every_ms => 50}]]
      end},
     {"what is wrong is refused",
      fun() ->
              [{error, #{reason := bad_option, message := <<_, _/binary>>}} = drey:sample(Model, maps:merge(Opts#{nodes => [A, B]}, Wrong))
               || Wrong <- [#{credit => 1}, #{checkpoint_every_ms => 100}, #{stream_to => self(), credit => 0},
                            #{stream_to => self(), credit => some}, #{stream_to => self(), checkpoint_every_ms => 1},
                            #{stream_to => nobody}]]
      end}].

some(0) -> [];
some(N) -> receive {drey, Job, {draws, Window}} -> [{Job, Window} | some(N - 1)] after 60000 -> error(no_window) end.

windows() ->
    receive
        {drey, Job, {draws, Window}} -> [{Job, Window} | windows()];
        {drey, _, _} -> windows()
    after 0 -> []
    end.

progress() ->
    receive
        {drey, _, {progress, Progress}} -> [Progress | progress()];
        {drey, _, _} -> progress()
    after 0 -> []
    end.

checkpoints() ->
    receive
        {drey, _, {checkpoint, Binary}} -> [Binary | checkpoints()];
        {drey, _, _} -> checkpoints()
    after 0 -> []
    end.

%% The last one, and the windows that came before it.
until_last_checkpoint() ->
    All = messages(),
    {_, [{checkpoint, Last} | Before]} = lists:splitwith(fun({Kind, _}) -> Kind =/= checkpoint end, lists:reverse(All)),
    {Last, [{job, W} || {draws, W} <- Before]}.

%% Windows before a checkpoint and those of a run from it on: what came while the checkpoint was gathered comes again. Of
%% chains that had all their draws none comes; an atom is greater than any number.
resumed(Before, After) ->
    From = fun(First, Count) ->
                   lists:min([never] ++ [D || {_, #{first_chain := F, first_draw := D} = W} <- After, F < First + Count, F + chains(W) > First])
           end,
    [Window || {_, #{first_chain := First, first_draw := Draw} = W} = Window <- Before, Draw < From(First, chains(W))] ++ After.

chains(#{draws := Draws}) -> {_, [Count | _], _} = hd(maps:values(Draws)), Count.

messages() -> receive {drey, _, Message} -> [Message | messages()] after 0 -> [] end.

%% The draws of windows of different chains, each of which must come once: those of each chain one after another.
joined(Windows) ->
    Chain = fun(#{first_chain := First, draws := Draws} = W) ->
                    [{First + I, maps:get(first_draw, W), maps:map(fun(_, A) -> drey_checkpoint:rows(A, I, 1) end, Draws)}
                     || I <- lists:seq(0, chains(W) - 1)]
            end,
    Rows = lists:sort(lists:append([Chain(W) || {_, W} <- Windows])),
    Chains = lists:usort([C || {C, _, _} <- Rows]),
    {ok, Draws} = drey_draws:combine([begin
                                          Of = [{D, Ds} || {C, D, Ds} <- Rows, C =:= One],
                                          0 = lists:foldl(fun({From, Ds}, Next) ->
                                                                  {_, [1, N | _], _} = hd(maps:values(Ds)),
                                                                  {From, _} = {Next, One},
                                                                  From + N
                                                          end, 0, Of) * 0,
                                          {ok, Appended} = drey_draws:append([Ds || {_, Ds} <- Of]),
                                          Appended
                                      end || One <- Chains]),
    Draws.
