%% Spawned functions, monitors, links and exit signals, with their true reasons, in both directions.
-module(node_watching).

-export([cases/1]).

cases(N) ->
    Spawn = fun() -> {Pid, Ref} = spawn_monitor(N, test, sleep, [60000]), true = is_pid(Pid), {Pid, Ref} end,
    Down = fun(Ref) -> receive {'DOWN', Ref, process, _, Reason} -> Reason after 3000 -> none end end,
    [{spawn_ends_normally, fun() -> {_, Ref} = spawn_monitor(N, test, null, []), normal = Down(Ref) end},
     {spawn_ends_with_its_error, fun() ->
        {_, R1} = spawn_monitor(N, test, error, [boom]), {boom, [{test, error, 1, []}]} = Down(R1),
        {_, R2} = spawn_monitor(N, test, throw, [ball]), {{nocatch, ball}, _} = Down(R2),
        {_, R3} = spawn_monitor(N, test, exit, [bye]), bye = Down(R3),
        {_, R4} = spawn_monitor(N, no, such, [1]), {undef, [{no, such, [1], []}]} = Down(R4)
      end},
     {spawn_link, fun() ->
        process_flag(trap_exit, true),
        Pid = spawn_link(N, test, exit, [bye]),
        receive {'EXIT', Pid, bye} -> ok end,
        Pid2 = spawn_opt(N, test, null, [], [link, {priority, high}, {min_heap_size, 1000}]),
        receive {'EXIT', Pid2, normal} -> ok end
      end},
     {spawn_options_that_are_none, fun() ->
        [begin
             badarg = try spawn_opt(N, test, null, [], Opts) catch error:Why -> Why end,
             Ref = erlang:spawn_request(N, test, null, [], Opts),
             receive {spawn_reply, Ref, error, badopt} -> ok end
         end || Opts <- [[bogus], [{bogus, 1}], [monitor, {link, x}]]],
        {_, Ref2} = spawn_opt(N, test, null, [], [monitor, {priority, high}, {max_heap_size, 10000}, {message_queue_data, off_heap}]),
        normal = Down(Ref2)
      end},
     {spawn_request, fun() ->
        Ref = erlang:spawn_request(N, test, sleep, [60000], [monitor]),
        Pid = receive {spawn_reply, Ref, ok, P} -> P end,
        exit(Pid, stop),
        receive {'DOWN', Ref, process, Pid, stop} -> ok end
      end},
     {second_monitor, fun() ->
        {Pid, Ref} = Spawn(),
        Ref2 = monitor(process, Pid),
        Ref3 = monitor(process, Pid),
        true = demonitor(Ref3, [flush]),
        exit(Pid, over),
        over = Down(Ref), over = Down(Ref2),
        receive {'DOWN', Ref3, _, _, _} -> error(told) after 100 -> ok end,
        noproc = Down(monitor(process, Pid))
      end},
     {exit_reasons, fun() ->
        {P1, R1} = Spawn(), exit(P1, {some, [term]}), {some, [term]} = Down(R1),
        {P2, R2} = Spawn(), exit(P2, kill), killed = Down(R2),
        {P3, R3} = Spawn(), exit(P3, normal), none = (fun() -> receive {'DOWN', R3, _, _, X} -> X after 100 -> none end end)(),
        exit(P3, kill), killed = Down(R3),
        slept_out(N)
      end},
     {killed_call_is_a_signal, fun() ->
        %% A caller's monitors are what tells the pid of its call.
        Killer = fun(Kill) ->
            {Caller, Ref} = spawn_monitor(fun() -> exit({result, Kill()}) end),
            node_kit:wait(fun() -> jobs(Caller, N) =/= [] end),
            [exit(P, stop) || P <- jobs(Caller, N)],
            receive {'DOWN', Ref, _, _, {result, Result}} -> Result end
        end,
        {badrpc, {'EXIT', stop}} = Killer(fun() -> rpc:call(N, test, sleep, [60000]) end),
        signal = Killer(fun() -> try call(N, sleep, [60000]) catch exit:{signal, stop} -> signal end end)
      end},
     {large_reasons, fun() ->
        %% They go in fragments, both ways.
        process_flag(trap_exit, true),
        Big = binary:copy(<<"reason">>, 3 bsl 20),
        {P1, R1} = Spawn(),
        true = link(P1),
        exit(P1, {large, Big}),
        {large, Big} = Down(R1),
        receive {'EXIT', P1, {large, Big}} -> ok end,
        {P2, R2} = Spawn(),
        spawn(fun() -> link(P2), exit({larger, Big}) end),
        {larger, Big} = Down(R2),
        {_, R3} = spawn_monitor(N, test, exit, [Big]),
        Big = Down(R3),
        ok = call(N, null, [])
      end},
     {pids_of_an_earlier_life, fun() ->
        Name = node_kit:name(el),
        One = node_kit:start(test, Name, []),
        {Old, Ref} = spawn_monitor(Name, test, sleep, [60000]),
        node_kit:kill(One, "KILL"),
        noconnection = Down(Ref),
        Two = node_kit:start(test, Name, []),
        process_flag(trap_exit, true),
        {New, Ref2} = spawn_monitor(Name, test, sleep, [60000]),
        noproc = Down(monitor(process, Old)),
        true = link(Old),
        receive {'EXIT', Old, noproc} -> ok end,
        exit(Old, kill),
        Old ! hello,
        1 = call(Name, sleeping, []),
        exit(New, kill),
        killed = Down(Ref2),
        0 = node_kit:stop(Two)
      end},
     {links, fun() ->
        process_flag(trap_exit, true),
        {Pid, _} = Spawn(),
        true = link(Pid),
        exit(Pid, over),
        receive {'EXIT', Pid, over} -> ok end,
        true = link(Pid),
        receive {'EXIT', Pid, noproc} -> ok end
      end},
     {unlink, fun() ->
        process_flag(trap_exit, true),
        {Pid, Ref} = Spawn(),
        [begin true = link(Pid), true = unlink(Pid) end || _ <- lists:seq(1, 20)],
        exit(Pid, over),
        over = Down(Ref),
        receive {'EXIT', Pid, _} -> error(told) after 100 -> ok end
      end},
     {death_of_a_linked_caller_kills, fun() ->
        {Pid, Ref} = Spawn(),
        spawn(fun() -> link(Pid), exit(gone) end),
        gone = Down(Ref),
        {Pid2, Ref2} = Spawn(),
        spawn(fun() -> link(Pid2), exit(normal) end),
        none = receive {'DOWN', Ref2, _, _, X} -> X after 100 -> none end,
        exit(Pid2, kill),
        killed = Down(Ref2)
      end},
     {named_monitor, fun() ->
        Ref = monitor(process, {test, N}),
        none = receive {'DOWN', Ref, _, _, X} -> X after 100 -> none end,
        true = demonitor(Ref),
        noproc = Down(monitor(process, {no_such_name, N}))
      end},
     {watchers_of_a_dead_node, fun() ->
        Other = node_kit:start(test, node_kit:name(b), []),
        #{name := O} = Other,
        process_flag(trap_exit, true),
        Ref = monitor(process, {test, O}),
        {Pid, Ref2} = spawn_monitor(O, test, sleep, [60000]),
        link(Pid),
        Key = rpc:async_call(O, test, sleep, [60000]),
        monitor_node(O, true),
        pong = net_adm:ping(O),
        node_kit:kill(Other, "KILL"),
        noconnection = Down(Ref), noconnection = Down(Ref2),
        receive {'EXIT', Pid, noconnection} -> ok end,
        {badrpc, nodedown} = rpc:yield(Key),
        receive {nodedown, O} -> ok end
      end},
     {shutdown, fun() ->
        Other = node_kit:start(test, node_kit:name(c), []),
        #{name := O} = Other,
        process_flag(trap_exit, true),
        Ref = monitor(process, {test, O}),
        {Pid, Ref2} = spawn_monitor(O, test, sleep, [60000]),
        link(Pid),
        Key = rpc:async_call(O, test, sleep, [60000]),
        timer:sleep(100),
        0 = node_kit:stop(Other),
        shutdown = Down(Ref), shutdown = Down(Ref2),
        receive {'EXIT', Pid, shutdown} -> ok end,
        {badrpc, {'EXIT', shutdown}} = rpc:yield(Key),
        {badrpc, nodedown} = rpc:call(O, test, null, [])
      end}].

jobs(Caller, N) ->
    {monitors, All} = process_info(Caller, monitors),
    [P || {process, P} <- All, is_pid(P), node(P) =:= N].

call(N, F, A) -> erpc:call(N, test, F, A).

slept_out(N) -> node_kit:wait(fun() -> call(N, sleeping, []) =:= 0 end).
