%% The node on another host: what its callers see of a cut, a lossy and a mended link and of killed peers, beside what
%% they see of a BEAM there.
-module(node_two_hosts).

-export([main/0, caller/1, lossy/0]).

-define(NODE, 'node@10.78.0.2').
-define(PEER, 'peer@10.78.0.2').

main() ->
    logger:set_primary_config(level, emergency),
    {Passed, Failed} = node_kit:run("two hosts", [{Name, fun() -> mend(), Case() end} || {Name, Case} <- cases()]),
    io:format("~b passed, ~b failed~n", [Passed, Failed]),
    halt(case Failed of 0 -> 0; _ -> 1 end).

cases() ->
    [{calls, fun() ->
        [pong = net_adm:ping(N) || N <- [?NODE, ?PEER]],
        Big = binary:copy(<<"abcd">>, 4 bsl 20),
        Big = erpc:call(?NODE, test, echo, [Big]),
        ok = gen_server:call({test, ?NODE}, null)
      end},
     {a_cut_link_is_seen_as_a_beams, fun() ->
        Seen = fun(Target) -> What = seen(Target, fun cut/0), mend(), What end,
        {Node, NodeMs} = Seen({?NODE, test}),
        {Peer, PeerMs} = Seen({?PEER, timer}),
        io:format("cut link, net_ticktime 4 s: seen after ~b ms, a BEAM's after ~b ms~n", [NodeMs, PeerMs]),
        Peer = Node,
        {noconnection, noconnection, noconnection, {erpc, noconnection}, nodedown, {badrpc, nodedown}} = Node,
        %% It has given up what it ran for this caller, and is there.
        node_kit:wait(fun() -> catch erpc:call(?NODE, test, sleeping, []) =:= 0 end, 10000),
        alive()
      end},
     {a_short_cut_is_not_noticed, fun() ->
        pong = net_adm:ping(?NODE),
        monitor_node(?NODE, true),
        Request = erpc:send_request(?NODE, test, sleep, [1500]),
        timer:sleep(100),
        cut(), timer:sleep(700), mend(),
        slept = erpc:receive_response(Request),
        receive {nodedown, ?NODE} -> error(noticed) after 0 -> ok end
      end},
     {a_lossy_link, fun() ->
        %% In a VM of its own, whose ticktime outlasts repeated losses.
        rule("numgen random mod 100 < 10 drop"),
        Said = vm("node_two_hosts:lossy()"),
        mend(),
        {"ok" ++ _, _} = {Said, Said},
        alive()
      end},
     {a_killed_node_is_seen_as_a_beams, fun() ->
        Kill = fun(Target, Pid) -> seen(Target, fun() -> os:cmd("kill -KILL " ++ os:getenv(Pid)) end) end,
        {Node, _} = Kill({'victim@10.78.0.2', test}, "VICTIM_PID"),
        {Peer, _} = Kill({'peer2@10.78.0.2', timer}, "PEER2_PID"),
        Peer = Node
      end},
     {a_killed_caller_cancels, fun() ->
        Sleeping = fun(Count) -> node_kit:wait(fun() -> erpc:call(?NODE, test, sleeping, []) =:= Count end, 10000) end,
        Port = open_port({spawn_executable, os:find_executable("erl")}, [{args, vm_args("node_two_hosts:caller(5)")}]),
        {os_pid, Pid} = erlang:port_info(Port, os_pid),
        Sleeping(5),
        os:cmd("kill -KILL " ++ integer_to_list(Pid)),
        Sleeping(0)
      end},
     {a_caller_behind_a_cut_link_is_given_up, fun() ->
        %% The node hears nothing for its --tick-time; the caller's VM waits for ever.
        pong = net_adm:ping(?NODE),
        Port = open_port({spawn_executable, os:find_executable("erl")}, [{args, vm_args("node_two_hosts:caller(5)")}]),
        {os_pid, Pid} = erlang:port_info(Port, os_pid),
        node_kit:wait(fun() -> erpc:call(?NODE, test, sleeping, []) =:= 5 end, 10000),
        cut(),
        os:cmd("kill -KILL " ++ integer_to_list(Pid)),  % its last word does not arrive
        timer:sleep(6500),
        mend(),
        node_kit:wait(fun() -> catch erpc:call(?NODE, test, sleeping, []) =:= 0 end, 10000),
        alive()
      end}].

alive() -> "" = os:cmd("kill -0 " ++ os:getenv("NODE_PID") ++ " 2>&1").

%% What a process learns in every way there is, when Do ends the connection to a node; and after how many milliseconds.
seen({Node, Module}, Do) ->
    process_flag(trap_exit, true),
    node_kit:wait(fun() -> net_adm:ping(Node) =:= pong end, 15000),
    monitor_node(Node, true),
    Named = monitor(process, {net_kernel, Node}),
    {Pid, Spawned} = spawn_monitor(Node, Module, sleep, [60000]),
    true = link(Pid),
    Erpc = erpc:send_request(Node, Module, sleep, [60000]),
    Rpc = rpc:async_call(Node, Module, sleep, [60000]),
    timer:sleep(300),
    Do(),
    Start = erlang:monotonic_time(millisecond),
    Down = fun(Ref) -> receive {'DOWN', Ref, _, _, Why} -> Why after 20000 -> none end end,
    First = Down(Named),
    Time = erlang:monotonic_time(millisecond) - Start,
    {{First, Down(Spawned), receive {'EXIT', Pid, Why} -> Why after 1000 -> none end,
      try erpc:receive_response(Erpc, 1000) catch error:Reason -> Reason end,
      receive {nodedown, Node} -> nodedown after 1000 -> none end, rpc:yield(Rpc)}, Time}.

cut() -> rule("drop").
mend() -> [nft(Ns, "flush chain inet cable input") || Ns <- both()].
both() -> [os:getenv("HERE"), os:getenv("THERE")].
rule(Rule) -> [nft(Ns, "add rule inet cable input iifname cable " ++ Rule) || Ns <- both()].
nft(Ns, Command) -> "" = os:cmd(lists:concat(["ip netns exec ", Ns, " nft '", Command, "' 2>&1"])).

vm_args(Eval) ->
    ["-noinput", "-hidden", "-start_epmd", "false", "-dist_listen", "false", "-name",
     lists:concat(["vm", erlang:unique_integer([positive]), "@10.78.0.1"]), "-kernel", "logger_level", "emergency",
     "-pa", filename:dirname(code:which(?MODULE)), "-eval", Eval].
vm(Eval) ->
    Port = open_port({spawn_executable, os:find_executable("erl")}, [{args, vm_args(Eval ++ ", halt().")}, exit_status]),
    output(Port, []).
output(Port, Said) ->
    receive
        {Port, {data, More}} -> output(Port, Said ++ More);
        {Port, {exit_status, _}} -> Said
    end.

caller(Count) -> [spawn(fun() -> erpc:call(?NODE, test, sleep, [600000]) end) || _ <- lists:seq(1, Count)].

%% Slow, and right: a tenth of all packets is lost in either direction.
lossy() ->
    node_kit:wait(fun() -> net_adm:ping(?NODE) =:= pong end, 20000),
    monitor_node(?NODE, true),
    [I = erpc:call(?NODE, test, echo, [I]) || I <- lists:seq(1, 40)],
    Blob = rand:bytes(512 * 1024),
    Blob = erpc:call(?NODE, test, echo, [Blob]),
    Self = self(),
    [spawn(fun() -> {I, Blob} = erpc:call(?NODE, test, echo, [{I, Blob}]), Self ! I end) || I <- [1, 2, 3]],
    [receive I -> ok end || I <- [1, 2, 3]],
    receive {nodedown, _} -> io:format("lost~n") after 0 -> io:format("ok~n") end.
