%% Round trips to a BEAM and to the node, in turn, so that whatever else the machine does falls on both. A time is the
%% median over rounds; a ratio is the median over rounds of the node's time in a round over the BEAM's in the same: below 1
%% the node is faster.
-module(node_latency).

-export([main/1, peer/0, echo/1, null/0, size/1, blob/1]).
-export([init/1, handle_call/3, handle_cast/2]).

%% The peer's side: the same functions as the node's module `test'.
peer() -> {ok, _} = gen_server:start({local, test}, ?MODULE, [], []), io:format("peer ready~n").
null() -> ok.
echo(X) -> X.
size(Binary) -> byte_size(Binary).
blob(Size) ->
    case persistent_term:get({blob, Size}, none) of
        none -> Blob = binary:copy(<<7>>, Size), persistent_term:put({blob, Size}, Blob), Blob;
        Blob -> Blob
    end.
init([]) -> {ok, nil}.
handle_call({echo, X}, _, S) -> {reply, X, S}.
handle_cast(_, S) -> {noreply, S}.

main([Peer, Node, Product, RoundsText]) ->
    Rounds = list_to_integer(atom_to_list(RoundsText)),
    [pong = net_adm:ping(N) || N <- [Peer, Node]],
    [[erpc:call(N, M, blob, [S]) || S <- [1 bsl 20, 64 bsl 20]] || {N, M} <- [{Peer, ?MODULE}, {Node, test}]],
    Targets = [{Peer, ?MODULE}, {Node, test}],
    Mb = 1 bsl 20,
    Small = binary:copy(<<1>>, 64 * 1024), Big = binary:copy(<<1>>, Mb), Huge = binary:copy(<<1>>, 64 * Mb),
    io:format("~-34s ~10s ~10s ~8s ~s~n", ["", "BEAM", "drey_node", "ratio", "goal"]),
    Times = fun(Count, Call) -> fun({N, M}) -> timed(Count, fun() -> Call(N, M) end) end end,
    Null = rounds(Rounds, Targets, Times(400, fun(N, M) -> erpc:call(N, M, null, []) end)),
    line("erpc null, p50 us", 0.50, Null, 0.6),
    line("erpc null, p99 us", 0.99, Null, 0.8),
    row("rpc null, p50 us", rounds(Rounds, Targets, Times(400, fun(N, M) -> rpc:call(N, M, null, []) end)), 0.6),
    row("GenServer.call, p50 us", rounds(Rounds, Targets, Times(400, fun(N, _) -> gen_server:call({test, N}, {echo, x}) end)), 0.9),
    row("argument 64 KiB, p50 us", rounds(Rounds, Targets, Times(200, fun(N, M) -> erpc:call(N, M, size, [Small]) end)), 0.75),
    row("argument 1 MiB, p50 us", rounds(3 * Rounds, Targets, Times(40, fun(N, M) -> erpc:call(N, M, size, [Big]) end)), 0.75),
    row("result 1 MiB, p50 us", rounds(3 * Rounds, Targets, Times(40, fun(N, M) -> erpc:call(N, M, blob, [Mb]) end)), 0.9),
    row("argument 64 MiB, p50 us", rounds(2 * Rounds, Targets, Times(2, fun(N, M) -> erpc:call(N, M, size, [Huge]) end)), 0.45),
    row("result 64 MiB, p50 us", rounds(2 * Rounds, Targets, Times(2, fun(N, M) -> erpc:call(N, M, blob, [64 * Mb]) end)), 0.6),
    row("32 callers, us a call", rounds(Rounds, Targets, fun({N, M}) -> [callers(32, 100, fun() -> erpc:call(N, M, null, []) end)] end), 1 / 1.2),
    io:format("~nTimes the idle latency of a null call, p50, while~n~-34s ~10s ~10s ~8s ~s~n", ["", "BEAM", "drey_node", "", "goal"]),
    Gib = binary:copy(<<1>>, 1 bsl 30),
    while("1 GiB streams from it", Targets, fun(N, M) -> erpc:call(N, M, blob, [1 bsl 30]) end, 3.0),
    while("1 GiB streams to it", Targets, fun(N, M) -> erpc:call(N, M, size, [Gib]) end, none),  % queued by the caller's BEAM
    sampling(Product),
    sampling_and_streaming(Product),
    halt().

%% One caller's times in microseconds.
timed(Count, Call) ->
    Call(),
    garbage_collect(),
    [begin T = erlang:monotonic_time(nanosecond), Call(), (erlang:monotonic_time(nanosecond) - T) / 1000 end
     || _ <- lists:seq(1, Count)].

callers(Callers, Calls, Call) ->
    Start = erlang:monotonic_time(nanosecond),
    Pids = [spawn_monitor(fun() -> [Call() || _ <- lists:seq(1, Calls)] end) || _ <- lists:seq(1, Callers)],
    [receive {'DOWN', Ref, _, Pid, normal} -> ok end || {Pid, Ref} <- Pids],
    (erlang:monotonic_time(nanosecond) - Start) / 1000 / (Callers * Calls).

%% Of each target a list a round; the targets take turns.
rounds(Rounds, Targets, Measure) ->
    Measured = [[Measure(T) || T <- Targets] || _ <- lists:seq(1, Rounds)],
    [[lists:nth(I, Round) || Round <- Measured] || I <- lists:seq(1, length(Targets))].

quantile(P, List) ->
    Sorted = lists:sort(List),
    lists:nth(max(1, ceil(P * length(Sorted))), Sorted).
of_rounds(P, PerRound) -> quantile(0.5, [quantile(P, Times) || Times <- PerRound]).

row(Name, Measured, Goal) -> line(Name, 0.5, Measured, Goal).
line(Name, P, [Beam, Node], Goal) ->
    B = of_rounds(P, Beam), D = of_rounds(P, Node),
    Ratio = quantile(0.5, [quantile(P, N) / quantile(P, M) || {M, N} <- lists:zip(Beam, Node)]),
    io:format("~-34s ~10.1f ~10.1f ~8.2f ~s~n", [Name, B, D, Ratio, goal(Goal, Ratio)]).

%% Null calls, one after the other, while another process of this node has `Bulk' under way.
while(Name, Targets, Bulk, Goal) ->
    Times = [begin
                 Null = fun() -> erpc:call(N, M, null, []) end,
                 Bulk(N, M),
                 Idle = quantile(0.5, timed(400, Null)),
                 Busy = during(fun() -> Bulk(N, M) end, Null),
                 {length(Busy), Idle, quantile(0.5, Busy)}
             end || {N, M} <- Targets],
    [{_, BeamIdle, BeamBusy}, {Calls, NodeIdle, NodeBusy}] = Times,
    io:format("~-34s ~10.1f ~10.1f ~8s ~s  (~.1f us, ~.1f us idle; ~b calls)~n",
              [Name, BeamBusy / BeamIdle, NodeBusy / NodeIdle, "", goal(Goal, NodeBusy / NodeIdle), NodeBusy, NodeIdle, Calls]).

goal(none, _) -> "-";
goal(Goal, Ratio) when Ratio =< Goal -> io_lib:format("~.2f", [Goal]);
goal(Goal, _) -> io_lib:format("~.2f  missed", [Goal]).

%% Calls of a node that answers them itself while its device works for others.
sampling(Node) ->
    pong = net_adm:ping(Node),
    Idle = quantile(0.5, timed(400, null(Node))),
    Busy = while_sampling(Node, fun() -> timed(2000, null(Node)) end),
    product("two jobs keep its device busy", Idle, Busy).

%% The same while a result of a GB, of a job before those, is on its way.
sampling_and_streaming(Node) ->
    until(Node, fun(Jobs) -> Jobs =:= [] end),
    Idle = quantile(0.5, timed(400, null(Node))),
    Outputs = [{list_to_atom("x" ++ integer_to_list(I)), {'*', I, theta}} || I <- lists:seq(1, 16)],
    Model = #{parameters => [{theta, {vector, 4}}], transformed => Outputs, model => [{'~', theta, {normal, 0, 1}}]},
    Self = self(),
    spawn_link(fun() ->
                       {ok, #{draws := Draws, stats := Stats}} =
                           erpc:call(Node, drey, sample, [Model, #{chains => 64, draws => 52000, summary => false}]),
                       true = lists:sum([byte_size(B) || {_, _, B} <- maps:values(Draws) ++ maps:values(Stats)]) > 1.0e9,
                       Self ! over
               end),
    until(Node, fun(Jobs) -> Jobs =/= [] end),
    Busy = while_sampling(Node, fun() -> calls(null(Node), []) end),
    product("so do they, and 1 GB streams", Idle, Busy).

null(Node) -> fun() -> [] =/= erpc:call(Node, drey, jobs, []) end.

%% What `Measure' says while two jobs, which no other is before any more, have the device of `Node'.
while_sampling(Node, Measure) ->
    Before = length(erpc:call(Node, drey, jobs, [])),
    Model = #{parameters => [{theta, {vector, 20}}], model => [{'~', theta, {normal, 0, 1}}]},
    [erpc:send_request(Node, drey, sample, [Model, #{chains => 64, draws => 20000, thin => 4, outputs => []}]) || _ <- [1, 2]],
    until(Node, fun(Jobs) -> length(Jobs) =:= Before + 2 end),
    until(Node, fun([#{phase := sampling}, _]) -> true; (_) -> false end),
    Measured = Measure(),
    [_ | _] = erpc:call(Node, drey, jobs, []),
    Measured.

until(Node, Enough) ->
    case Enough(erpc:call(Node, drey, jobs, [])) of
        true -> ok;
        false -> timer:sleep(5), until(Node, Enough)
    end.

product(Name, Idle, Busy) ->
    Ratio = quantile(0.5, Busy) / Idle,
    io:format("~-34s ~10s ~10.1f ~8s ~s  (~.1f us, p99 ~.1f us; ~.1f us idle; ~b calls)~n",
              [Name, "", Ratio, "", goal(3.0, Ratio), quantile(0.5, Busy), quantile(0.99, Busy), Idle, length(Busy)]).

during(Bulk, Call) ->
    Self = self(),
    spawn_link(fun() -> Bulk(), Self ! over end),
    timer:sleep(20),
    calls(Call, []).
calls(Call, Times) ->
    receive over -> Times
    after 0 ->
        T = erlang:monotonic_time(nanosecond),
        Call(),
        calls(Call, [(erlang:monotonic_time(nanosecond) - T) / 1000 | Times])
    end.
