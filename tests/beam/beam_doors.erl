%% One contract, several doors: two drey_nodes, a BEAM with the application, and this VM's own NIF give the same
%% answers, the same draws to the byte, and the same kind of errors; and nothing asked of them ends them.
-module(beam_doors).

-export([main/0]).

-define(A, 'a@127.0.0.1').
-define(B, 'b@127.0.0.1').
-define(C, 'c@127.0.0.1').
-define(PEER, 'peer@127.0.0.1').

main() ->
    {ok, _} = application:ensure_all_started(drey),
    beam_case:main(connecting() ++ calling() ++ answers() ++ same_draws() ++ streaming() ++ stopping() ++ cutting() ++ beam_cut:cases({?A, ?B, ?PEER}) ++
                       beam_stream:cases({?A, ?B, ?PEER}) ++ bad_inputs() ++ cancelling() ++ leaving()).

normal() -> drey_demo:normal().
schools() -> drey_demo:eight_schools().

short() -> #{chains => 4, warmup => 100, draws => 50, seed => 7}.

%% One call through every door.
doors(Function, Args) ->
    [{here, apply(drey, Function, Args)} | [{N, rpc:call(N, drey, Function, Args)} || N <- [?A, ?B, ?PEER]]].

%% Connecting --------------------------------------------------------------------------------------------

connecting() ->
    [{"Node.connect: true, and the node is hidden",
      fun() ->
              true = net_kernel:connect_node(?A),
              true = lists:member(?A, nodes(hidden)),
              false = lists:member(?A, nodes())
      end},
     {"ping: pong", fun() -> [pong = net_adm:ping(N) || N <- [?A, ?B]] end},
     {"epmd knows its name and port",
      fun() ->
              {ok, Names} = erl_epmd:names({127, 0, 0, 1}),
              Ports = [P || {Name, P} <- Names, Name =:= "a" orelse Name =:= "b"],
              2 = length(lists:usort(Ports)),
              true = lists:all(fun(P) -> P >= 19100 andalso P =< 19200 end, Ports)
      end},
     {"another cookie is refused, and the node answers on",
      fun() ->
              [Cookie, Wrong] = [erlang:get_cookie(), 'not-the-cookie'],
              true = erlang:disconnect_node(?B),
              true = erlang:set_cookie(?B, Wrong),
              false = net_kernel:connect_node(?B),
              {error, #{reason := noconnection}} = drey:info(?B),
              true = erlang:set_cookie(?B, Cookie),
              true = net_kernel:connect_node(?B),
              pong = net_adm:ping(?B)
      end}].

%% Calling -----------------------------------------------------------------------------------------------

calling() ->
    Check = fun(Answer) -> {ok, #{dimension := 1}} = Answer end,
    [{"rpc:call/4", fun() -> Check(rpc:call(?A, drey, check, [normal()])) end},
     {"rpc:call/5", fun() -> Check(rpc:call(?A, drey, check, [normal()], 30000)) end},
     {"erpc:call", fun() -> Check(erpc:call(?A, drey, check, [normal()])) end},
     {"erpc:send_request",
      fun() -> Check(erpc:receive_response(erpc:send_request(?A, drey, check, [normal()]))) end},
     {"rpc:multicall",
      fun() ->
              {[One, Two], []} = rpc:multicall([?A, ?B], drey, check, [normal()]),
              Check(One), Check(Two)
      end},
     {"erpc:multicall",
      fun() -> [{ok, One}, {ok, Two}] = erpc:multicall([?A, ?PEER], drey, check, [normal()]), Check(One), Check(Two) end},
     {"gen_server:call to the registered drey, on a node and on a BEAM",
      fun() -> [Check(gen_server:call({drey, N}, {check, normal()}, 30000)) || N <- [?A, ?PEER, node()]] end},
     {"gen_server calls do not wait for one another",
      fun() ->
              [begin
                   {Pid, Ref} = spawn_monitor(fun() -> gen_server:call({drey, N}, {sample, schools(), endless()}, infinity) end),
                   Check(gen_server:call({drey, N}, {check, normal()}, 5000)),
                   exit(Pid, kill),
                   receive {'DOWN', Ref, process, Pid, killed} -> ok end,
                   true = beam_case:eventually(fun() -> idle(N) end)
               end || N <- [?A, ?PEER]]
      end},
     {"monitor: no message while it lives",
      fun() ->
              Ref = monitor(process, {drey, ?A}),
              receive {'DOWN', Ref, _, _, Why} -> error({down, Why}) after 300 -> true = demonitor(Ref, [flush]) end
      end},
     {"monitor of a name that is not there: noproc",
      fun() ->
              Ref = monitor(process, {nobody, ?A}),
              receive {'DOWN', Ref, process, {nobody, ?A}, noproc} -> ok after 5000 -> error(nothing) end
      end},
     {"what is not exported: undef, from rpc and erpc",
      fun() ->
              [begin
                   {badrpc, {'EXIT', {undef, _}}} = rpc:call(?A, M, F, Args),
                   {exception, undef, _} = try erpc:call(?A, M, F, Args) catch error:E -> E end
               end || {M, F, Args} <- [{drey, nothing, []}, {drey, sample, [1]}, {drey, info, [1]},
                                       {os, cmd, ["true"]}, {erlang, halt, []}, {init, stop, []},
                                       {code, load_binary, [a, "a", <<>>]}]],
              pong = net_adm:ping(?A)
      end},
     {"a fun is not run",
      fun() ->
              refused = try erpc:call(?A, fun() -> erlang:halt() end) catch _:_ -> refused end,
              pong = net_adm:ping(?A)
      end},
     {"gen_server call to a name that is not there: noproc",
      fun() -> {noproc, _} = try gen_server:call({nobody, ?A}, hello, 5000) catch exit:E -> E end end},
     {"an unknown request is an error with a message",
      fun() ->
              [{error, #{reason := undef, message := <<_, _/binary>>}} = gen_server:call({drey, N}, Request, 5000)
               || N <- [?A, ?PEER], Request <- [{no_such_call, 1}, nonsense, {sample, 1}]]
      end}].

%% Answers -----------------------------------------------------------------------------------------------

answers() ->
    [{"info names the node and a device, everywhere",
      fun() ->
              [begin
                   #{version := _, node := Node, devices := [#{name := <<_, _/binary>>} | _]} = Info,
                   true = lists:member(Node, [node(), ?A, ?B, ?PEER])
               end || {_, Info} <- doors(info, [])]
      end},
     {"the version is that of the application, everywhere",
      fun() ->
              {ok, Version} = application:get_key(drey, vsn),
              Expected = list_to_binary(Version),
              [#{version := Expected} = Info || {_, Info} <- doors(info, [])]
      end},
     {"check: dimension, parameters, outputs, the same everywhere",
      fun() ->
              [{ok, #{dimension := 10, parameters := Parameters}} = First | Others] =
                  [Answer || {_, Answer} <- doors(check, [schools()])],
              3 = length(Parameters),
              [First = Other || Other <- Others]
      end},
     {"log density and gradient of N(0, 1), the same everywhere",
      fun() ->
              [begin
                   {ok, #{value := Value, gradient := Gradient}} = Answer,
                   [At0, At2] = drey_draws:to_floats(Value),
                   true = abs(At0 + 0.91893853320467274178) < 1.0e-9,
                   true = abs(At2 + 2.91893853320467274178) < 1.0e-9,
                   [_, Slope] = drey_draws:to_floats(Gradient),
                   true = abs(Slope + 2.0) < 1.0e-9
               end || {_, Answer} <- doors(log_density, [normal(), [[0.0], [2.0]]])]
      end},
     {"log density with options",
      fun() ->
              [{ok, #{value := _}} = Answer || {_, Answer} <- doors(log_density, [normal(), [[0.0]], #{precision => f32}])]
      end},
     {"jobs is empty when nothing runs", fun() -> [true = idle(N) || N <- [?A, ?PEER]] end},
     {"options may be a map or a property list",
      fun() ->
              {ok, #{draws := One}} = drey:sample(?A, normal(), short()),
              {ok, #{draws := Two}} = drey:sample(?A, normal(), maps:to_list(short())),
              One = Two
      end},
     {"a result has draws, stats, summary, tuning, timing, device",
      fun() ->
              {ok, #{draws := #{x := {_, [4, 50], _}}, stats := Stats, summary := [Row], tuning := _,
                     timing := #{sampling_ms := _}, device := _}} = drey:sample(?A, normal(), short()),
              [{_, [4, 50 | _], _} = maps:get(K, Stats) || K <- [lp, accept, depth, leapfrogs, divergent, energy]],
              [true = maps:is_key(K, Row) || K <- [name, mean, sd, mcse, q5, median, q95, rhat, ess_bulk, ess_tail]]
      end},
     {"summary of combined draws is the summary of the whole",
      fun() ->
              {ok, #{draws := Draws, summary := Rows}} = drey:sample(?A, normal(), short()),
              [{ok, Rows} = Answer || {_, Answer} <- doors(summary, [Draws])]
      end},
     {"lines about a job are printed where its caller is, everywhere",
      fun() ->
              Self = self(),
              Shell = fun Loop() ->
                          receive
                              {io_request, From, Ref, {put_chars, unicode, Line}} ->
                                  Self ! {line, unicode:characters_to_binary(Line)}, From ! {io_reply, Ref, ok}, Loop()
                          end
                      end,
              Before = group_leader(),
              group_leader(spawn_link(Shell), self()),
              [begin
                   {ok, _} = drey:sample(Door, normal(), (short())#{log => true}),
                   Said = (fun All() -> receive {line, Line} -> [Line | All()] after 300 -> [] end end)(),
                   [{Door, [_]} = {Door, [L || L <- Said, binary:match(L, Word) =/= nomatch]} || Word <- [<<": sampling">>, <<": done after">>]]
               end || Door <- [?A, ?PEER, node()]],
              group_leader(Before, self())
      end},
     {"progress comes to the process named in stream_to",
      fun() ->
              [begin
                   {ok, _} = drey:sample(Door, normal(), (short())#{stream_to => self()}),
                   receive {drey, _, _} -> ok after 5000 -> error({no_message_from, Door}) end
               end || Door <- [?A, ?PEER, node()]]
      end}].

%% The same draws ----------------------------------------------------------------------------------------

same_draws() ->
    [{lists:concat(["the same draws through every door, ", Precision]),
      fun() ->
              Opts = (short())#{precision => Precision},
              [{ok, #{draws := Draws, stats := Stats}} | Others] = [R || {_, R} <- doors(sample, [schools(), Opts])],
              {Precision, [4, 50, 8], _} = maps:get(theta, Draws),
              [begin {ok, #{draws := Draws1, stats := Stats1}} = Other, Draws = Draws1, Stats = Stats1 end || Other <- Others]
      end} || Precision <- [f32, f64]]
        ++
    [{lists:concat(["any split of the chains gives the draws of the whole, ", Precision]),
      fun() ->
              Opts = #{chains => 12, warmup => 100, draws => 30, seed => 11, precision => Precision},
              {ok, Tuning} = drey:warmup(?A, schools(), maps:remove(draws, Opts)),
              Run = Opts#{tuning => Tuning},
              {ok, #{draws := Whole}} = drey:sample(?A, schools(), Run),
              Parts = [begin
                           {ok, R} = drey:sample(N, schools(), Run#{chains => Count, first_chain => First}),
                           R
                       end || {N, First, Count} <- [{?B, 0, 5}, {node(), 5, 1}, {?PEER, 6, 6}]],
              {ok, Whole} = drey:combine(Parts)
      end} || Precision <- [f32, f64]]
        ++
    [{"the same draws whatever the dispatch budget",
      fun() ->
              {ok, #{draws := Draws}} = drey:sample(?A, schools(), short()),
              [{ok, #{draws := Draws}} = drey:sample(?A, schools(), (short())#{budget => Budget}) || Budget <- [1, 7, 64]]
      end},
     {"a run over nodes is the run of one node, and says who did what",
      fun() ->
              Opts = #{chains => 7, warmup => 100, draws => 30, seed => 13},
              {ok, Tuning} = drey:warmup(?B, schools(), maps:remove(draws, Opts)),
              {ok, #{draws := One}} = drey:sample(?B, schools(), Opts#{tuning => Tuning}),
              {ok, #{draws := Many, nodes := Who}} =
                  drey:sample(schools(), Opts#{tuning => Tuning, nodes => [?A, ?B, ?PEER]}),
              One = Many,
              [{?A, 0, 2}, {?B, 2, 2}, {?PEER, 4, 3}] =
                  [{N, F, C} || #{node := N, first_chain := F, chains := C} <- Who]
      end},
     {"many chains are run in chunks, and are those of one run",
      fun() ->
              Opts = #{chains => 300, warmup => 100, draws => 5, seed => 19},
              {ok, #{draws := One, tuning := Tuning}} = drey:sample(?A, schools(), Opts),
              {ok, #{draws := One, nodes := Chunks}} = drey:sample(schools(), Opts#{tuning => Tuning, nodes => [?A, ?B]}),
              4 = length(Chunks)
      end},
     {"the chains of a node that is not there are run by another",
      fun() ->
              Opts = #{chains => 4, warmup => 100, draws => 30, seed => 13},
              {ok, #{draws := One, tuning := Tuning}} = drey:sample(?A, schools(), Opts),
              {ok, #{draws := One}} =
                  drey:sample(schools(), Opts#{tuning => Tuning, nodes => ['gone@127.0.0.1', ?A]})
      end},
     {"the chains of a node that is killed while it works are run by another",
      fun() ->
              %% Seconds of work on one thread.
              Opts = #{chains => 8, warmup => 100, draws => 50, thin => 5000, seed => 17, outputs => [mu, tau]},
              {ok, Tuning} = drey:warmup(?A, schools(), maps:without([draws, thin, outputs], Opts)),
              Run = Opts#{tuning => Tuning},
              Request = drey:sample_async(schools(), Run#{nodes => [?A, ?C]}),
              true = beam_case:eventually(fun() -> not idle(?C) end),
              [] = os:cmd("kill -KILL " ++ os:getenv("DREY_PID_C")),
              {ok, #{draws := Draws, nodes := Who}} = drey:await(Request),
              [?A, ?A] = [N || #{node := N} <- Who],
              {ok, #{draws := Draws}} = drey:sample(?B, schools(), Run)
      end},
     {"another seed gives other draws, another chain too",
      fun() ->
              {ok, #{draws := #{x := {Type, [4, 50], Bin}}}} = drey:sample(?A, normal(), short()),
              {ok, #{draws := #{x := {Type, [4, 50], Other}}}} = drey:sample(?A, normal(), (short())#{seed => 8}),
              true = Bin =/= Other,
              Size = byte_size(Bin) div 4,
              4 = length(lists:usort([binary:part(Bin, I * Size, Size) || I <- [0, 1, 2, 3]]))
      end}].

%% Streaming ---------------------------------------------------------------------------------------------

streaming() ->
    [{"windows of draws come as they are made, and are the result's, everywhere",
      fun() ->
              [begin
                   Opts = (short())#{stream_to => self(), stream => draws, window => 20},
                   {ok, #{draws := Draws, stats := Stats}} = drey:sample(N, schools(), Opts),
                   Windows = windows(),
                   [0, 20, 40] = [First || #{first_draw := First} <- Windows],
                   {ok, Draws} = drey:append(Windows),
                   {ok, Stats} = drey_draws:append([maps:get(stats, W) || W <- Windows])
               end || N <- [?A, ?PEER, node()]]
      end},
     {"draws that are only streamed are the same",
      fun() ->
              {ok, #{draws := Draws}} = drey:sample(?A, schools(), short()),
              {ok, #{draws := None, summary := []}} =
                  drey:sample(?B, schools(), (short())#{stream_to => self(), stream => draws, keep => none}),
              0 = map_size(None),
              {ok, Draws} = drey:append(windows())
      end},
     {"a job waits for credit, everywhere",
      fun() ->
              [begin
                   Me = self(),
                   Opts = (short())#{stream_to => Me, stream => draws, window => 5, credit => 3},
                   Request = drey:sample_async(N, schools(), Opts),
                   [Job, Job, Job] = [receive {drey, Id, {draws, _}} -> Id after 60000 -> error(no_window) end || _ <- [1, 2, 3]],
                   none = receive {drey, _, _} = More -> More after 300 -> none end,
                   ok = drey:credit(N, Job, 100),
                   {ok, #{draws := #{mu := {_, [4, 50], _}}}} = drey:await(Request, 60000),
                   7 = length(windows()),
                   {error, #{reason := no_such_job}} = drey:credit(N, Job, 1)
               end || N <- [?A, ?PEER]]
      end}].

windows() ->
    receive {drey, _, {draws, Window}} -> [Window | windows()] after 0 -> [] end.

%% Stopping ----------------------------------------------------------------------------------------------

stopping() ->
    Opts = #{chains => 9, warmup => 100, seed => 21, stop => #{ess => 400, rhat => 1.03}},
    [{"a run stops at the same draw on one node and on several, everywhere",
      fun() ->
              {ok, #{draws := Draws, stop := #{reached := true, draws := N, ess := Ess, rhat := Rhat}, tuning := Tuning,
                     summary := Rows, stats := Stats}} = drey:sample(?A, schools(), Opts),
              true = lists:member(N, drey_stop:marks(10000)),
              true = Ess >= 400 andalso Rhat =< 1.03,
              {ok, #{draws := Draws, stop := #{draws := N}}} = drey:sample(?PEER, schools(), Opts),
              {ok, #{stop := StoppedAt} = Many} =
                  drey:sample(schools(), Opts#{tuning => Tuning, nodes => [?A, ?PEER, ?B], budget => 100}),
              #{reached := true, draws := N, ess := Ess} = StoppedAt,
              [true = Whole =:= maps:get(Key, Many) || {Key, Whole} <- [{draws, Draws}, {stats, Stats}, {summary, Rows}]],
              #{diagnostics := #{ebfmi := {f64, [9], _}}} = Many,
              {ok, #{draws := Only, stop := #{draws := N}}} =
                  drey:sample(schools(), Opts#{tuning => Tuning, nodes => [?A, ?B], outputs => [theta]}),
              [theta] = maps:keys(Only),
              #{theta := Theta} = Draws,
              #{theta := Theta} = Only
      end},
     {"the cap comes first, and that is said",
      fun() ->
              Capped = Opts#{stop => #{ess => 1000000}, draws => 60},
              [begin
                   {ok, #{stop := #{reached := false, draws := 60}, warnings := Warnings}} = drey:sample(schools(), Capped#{nodes => Nodes}),
                   [_] = [W || W <- Warnings, binary:match(W, <<"before `stop` was reached">>) =/= nomatch]
               end || Nodes <- [[?A], [?A, ?B]]],
              {ok, #{stop := #{reached := false, draws := 60}}} = drey:sample(?A, schools(), Capped)
      end},
     {"a rule that is none, and what several nodes cannot do, are refused",
      fun() ->
              [{error, #{reason := bad_option}} = drey:sample(schools(), Wrong#{nodes => [?A, ?B], chains => 4, warmup => 20})
               || Wrong <- [#{stop => 400}, #{stop => #{}}, #{stop => #{ess => none}}, #{stop => #{es => 400}},
                            #{stop => #{ess => 9}, keep => none}]]
      end}].

%% Cutting -----------------------------------------------------------------------------------------------

%% From one door to the next, a run cut by deadlines is at last that of a run that was not.
cutting() ->
    [{lists:concat(["cut at deadlines and resumed from door to door: the same bytes, ", Precision]),
      fun() ->
              Opts = #{chains => 6, warmup => 100, draws => 30, thin => 3000, seed => 5, precision => Precision},
              {ok, Tuning} = drey:warmup(?A, generating(), Opts),
              {ok, Whole} = drey:sample(?A, generating(), Opts#{tuning => Tuning}),
              [{ok, _} = drey:sample(N, generating(), Opts#{tuning => Tuning, draws => 1}) || N <- [?B, ?PEER, node()]],
              {Result, Cuts} = cut([?B, ?PEER, node(), ?A], Opts#{tuning => Tuning}, 0),
              true = Cuts > 1,
              [true = maps:get(Key, Whole) =:= maps:get(Key, Result)
               || Key <- [draws, stats, summary, divergences, diagnostics, warnings, gradients, tuning]]
      end} || Precision <- [f32, f64]]
        ++
    [{"a longer run from the checkpoint of a shorter one, on another node",
      fun() ->
              Opts = #{chains => 4, warmup => 100, seed => 5, checkpoint => true},
              {ok, #{checkpoint := Checkpoint}} = drey:sample(?A, generating(), Opts#{draws => 20}),
              {ok, #{draws := Draws}} = drey:sample(?PEER, generating(), #{resume => Checkpoint, draws => 50}),
              {ok, #{draws := Draws}} = drey:sample(?B, generating(), Opts#{draws => 50}),
              {error, #{reason := wrong_checkpoint}} = drey:sample(?B, normal(), #{resume => Checkpoint, outputs => [x]}),
              {error, #{reason := wrong_checkpoint}} = drey:sample(?B, generating(), #{resume => <<"DREYCKPT">>})
      end},
     {"checkpoints come on the way, and the last outlives its node's job",
      fun() ->
              Opts = #{chains => 4, warmup => 100, draws => 60, thin => 300, seed => 6, stream_to => self(),
                       stream => progress, checkpoint_every_ms => 20},
              {ok, #{draws := Draws}} = drey:sample(?A, generating(), Opts),
              {drey, _, {checkpoint, Last}} = lists:last(checkpoints()),
              {ok, #{draws := Draws}} = drey:sample(?PEER, generating(), #{resume => Last})
      end}].

checkpoints() ->
    receive
        {drey, _, {checkpoint, _}} = Message -> [Message | checkpoints()];
        {drey, _, _} -> checkpoints()
    after 0 -> []
    end.

cut([Node | Nodes], Opts, Cuts) when Cuts < 500 ->
    case drey:sample(Node, generating(), Opts#{checkpoint => true, deadline_ms => 60}) of
        {error, #{reason := deadline, checkpoint := Checkpoint}} ->
            cut(Nodes ++ [Node], #{resume => Checkpoint}, Cuts + 1);
        {error, #{reason := deadline}} ->
            cut(Nodes ++ [Node], Opts, Cuts + 1);
        {ok, Result} ->
            {Result, Cuts}
    end.

generating() ->
    (schools())#{generated => [{again, {normal_rng, mu, tau}}]}.

%% Bad inputs --------------------------------------------------------------------------------------------

bad_inputs() ->
    Nested = lists:foldl(fun(_, E) -> {'+', 1, E} end, x, lists:seq(1, 100)),
    Nan = <<16#7FF8000000000000:64/little>>,
    Models = [{"an unknown name", (normal())#{model => [{'~', x, {normal, nu, 1}}]}},
              {"a wrong shape", #{data => #{y => [1, 2, 3]}, parameters => [{x, {vector, 2}}],
                                  model => [{'~', y, {normal, x, 1}}]}},
              {"an unknown distribution", (normal())#{model => [{'~', x, {normall, 0, 1}}]}},
              {"a negative scale in data", #{data => #{s => -1.0}, parameters => [{x, real}],
                                             model => [{'~', x, {normal, 0, s}}]}},
              {"NaN in data", #{data => #{y => {f64, [1], Nan}}, parameters => [{x, real}],
                                model => [{'~', y, {normal, x, 1}}]}},
              {"an array shorter than its shape", #{data => #{y => {f64, [3], <<0:64>>}}, parameters => [{x, real}],
                                                    model => [{'~', y, {normal, x, 1}}]}},
              {"a term that is no model", {not_a, model}},
              {"a number that is no model", 17},
              {"an expression nested 100 deep", (normal())#{model => [{'~', x, {normal, Nested, 1}}]}}],
    Options = [{"zero draws", #{draws => 0}}, {"a million chains", #{chains => 1000000}},
               {"a negative seed", #{seed => -1}}, {"an unknown option", #{drawz => 5}},
               {"a precision that is none", #{precision => f16}}, {"a tuning that is none", #{tuning => tuned}},
               {"a device that is not there", #{device => 99}}, {"options that are no options", 17}],
    [{Name ++ ": an error that says so, everywhere", fun() -> refused(sample, [Model, short()]) end} || {Name, Model} <- Models]
        ++ [{Name ++ ": an error that says so, everywhere",
             fun() -> refused(sample, [normal(), case Opts of #{} -> maps:merge(short(), Opts); _ -> Opts end]) end}
            || {Name, Opts} <- Options]
        ++ [{"points of the wrong length", fun() -> refused(log_density, [normal(), [[0.0, 1.0]]]) end},
            {"a job that is not there", fun() -> [case A of {error, #{reason := _}} -> ok; ok -> ok end
                                                  || {_, A} <- doors(cancel, [123456789])] end},
            {"all of them still answer", fun() -> [{ok, _} = A || {_, A} <- doors(check, [normal()])] end}].

refused(Function, Args) ->
    [is_error(Answer) || {_, Answer} <- doors(Function, Args)].

is_error({error, #{reason := Reason, message := <<_:8/binary, _/binary>>}}) when is_atom(Reason), Reason =/= internal -> ok.

%% Cancelling --------------------------------------------------------------------------------------------

%% Minutes of work whose result would be small.
endless() -> #{chains => 64, draws => 2000, thin => 10000, warmup => 100, seed => 1, outputs => [mu]}.

cancelling() ->
    [{lists:concat([What, " cancels the job, ", Where]),
      fun() ->
              Caller = spawn(fun() -> Call(Node) end),
              true = beam_case:eventually(fun() -> not idle(Node) end),
              End(Node, Caller),
              true = beam_case:eventually(fun() -> idle(Node) end)
      end}
     || {Where, Node} <- [{"drey_node", ?A}, {"BEAM", ?PEER}],
        {What, Call, End} <-
            [{"the caller's death",
              fun(N) -> rpc:call(N, drey, sample, [schools(), endless()]) end,
              fun(_, Caller) -> exit(Caller, kill) end},
             {"the death of a gen_server caller",
              fun(N) -> gen_server:call({drey, N}, {sample, schools(), endless()}, infinity) end,
              fun(_, Caller) -> exit(Caller, kill) end},
             {"drey:cancel",
              fun(N) -> {error, #{reason := cancelled}} = drey:sample(N, schools(), endless()) end,
              fun(N, _) -> [_ = drey:cancel(N, maps:get(id, Job)) || Job <- job_list(N)] end}]]
        ++
    [{"a timeout of erpc cancels the job, everywhere",
      fun() ->
              [begin
                   {erpc, timeout} = try erpc:call(N, drey, sample, [schools(), endless()], 500) catch error:E -> E end,
                   true = beam_case:eventually(fun() -> idle(N) end)
               end || N <- [?A, ?PEER]]
      end},
     {"deadline_ms ends the job with an answer, everywhere",
      fun() ->
              [{error, #{reason := _, message := <<_, _/binary>>}} = drey:sample(N, schools(), (endless())#{deadline_ms => 300})
               || N <- [?A, ?PEER, node()]],
              [true = beam_case:eventually(fun() -> idle(N) end) || N <- [?A, ?PEER, node()]]
      end},
     {"the death of a caller here cancels the job of the NIF",
      fun() ->
              Caller = spawn(fun() -> drey:sample(schools(), endless()) end),
              true = beam_case:eventually(fun() -> not idle(node()) end),
              exit(Caller, kill),
              true = beam_case:eventually(fun() -> idle(node()) end)
      end}].

idle(Node) -> job_list(Node) =:= [].

job_list(Node) ->
    case rpc:call(Node, drey, jobs, []) of
        {ok, Jobs} -> Jobs;
        Jobs when is_list(Jobs) -> Jobs
    end.

%% Leaving -----------------------------------------------------------------------------------------------

leaving() ->
    [{"SIGTERM: monitors fire with shutdown, the link goes, a call after it is an error",
      fun() ->
              Ref = monitor(process, {drey, ?B}),
              true = monitor_node(?B, true),
              [] = os:cmd("kill -TERM " ++ os:getenv("DREY_PID_B")),
              receive {'DOWN', Ref, process, {drey, ?B}, shutdown} -> ok after 10000 -> error(no_down) end,
              receive {nodedown, ?B} -> ok after 10000 -> error(no_nodedown) end,
              {error, #{reason := noconnection}} = drey:info(?B)
      end},
     {"the others answer on", fun() -> [{ok, _} = drey:check(N, normal()) || N <- [?A, ?PEER, node()]] end}].
