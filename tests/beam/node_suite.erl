%% The node as a peer of a real BEAM: every way to call it, watch it, and lose it. The node under test exports the
%% module `test' (tests/cnode/test_node.cpp); `drey_suite' cases run against the product.
-module(node_suite).

-export([main/0, ticks/1, quiet/1]).

main() ->
    logger:set_primary_config(level, emergency),
    Node = node_kit:start(test, node_kit:name(a), []),
    #{name := N} = Node,
    {P1, F1} = node_kit:run("node", calls(N) ++ watching(N) ++ servers(N) ++ payloads(N) ++ connection()
                            ++ connecting() ++ operations() ++ node_ipv6:cases() ++ node_tls:cases()
                            ++ node_soak:cases()),
    {P2, F2} = node_kit:run("product", product()),
    0 = node_kit:stop(Node),
    {P3, F3} = node_hostile:run(),
    io:format("~b passed, ~b failed~n", [P1 + P2 + P3, F1 + F2 + F3]),
    halt(case F1 + F2 + F3 of 0 -> 0; _ -> 1 end).

call(N, F, A) -> erpc:call(N, test, F, A).
slept_out(N) -> node_kit:wait(fun() -> call(N, sleeping, []) =:= 0 end).

%% Calls -------------------------------------------------------------------------------------------------

calls(N) ->
    Echo = fun(Value) -> Value = call(N, echo, [Value]) end,
    [{connect, fun() ->
        true = net_kernel:connect_node(N),
        true = lists:member(N, nodes(hidden)),
        false = lists:member(N, nodes())
      end},
     {ping, fun() -> pong = net_adm:ping(N), pong = net_adm:ping(N) end},
     {values, fun() ->
        lists:foreach(Echo, [0, 255, 256, -1, -5000, 1 bsl 31, -(1 bsl 40), 1 bsl 62, -(1 bsl 63), 1 bsl 64, 1 bsl 2000,
                             1.5, -0.0, 1.0e300, atom, '', 'with space', 'åäö', list_to_atom(lists:duplicate(255, $a)),
                             [], [1, 2, 3], "text", [1 | 2], [[[]]], {}, {1, {2}}, list_to_tuple(lists:seq(1, 300)),
                             #{}, #{a => 1, <<"b">> => [2]}, <<>>, <<1, 2, 3>>, <<5:3>>, binary:copy(<<7>>, 100000),
                             self(), make_ref(), fun erlang:apply/2, hd(erlang:ports()), lists:seq(1, 70000)])
      end},
     {'fun', fun() -> F = fun(X) -> X + N end, F = call(N, echo, [F]) end},
     {error, fun() ->
        try call(N, error, [boom]) catch error:{exception, boom, [{test, error, 1, []}]} -> ok end,
        {badrpc, {'EXIT', {boom, [{test, error, 1, []}]}}} = rpc:call(N, test, error, [boom])
      end},
     {throw, fun() ->
        try call(N, throw, [ball]) catch throw:ball -> ok end,
        ball = rpc:call(N, test, throw, [ball])
      end},
     {exit, fun() ->
        try call(N, exit, [bye]) catch exit:{exception, bye} -> ok end,
        {badrpc, {'EXIT', bye}} = rpc:call(N, test, exit, [bye])
      end},
     {export_that_throws, fun() ->
        try call(N, crash, []) catch error:{exception, {failed, <<"the export threw">>}, []} -> ok end
      end},
     {undef, fun() ->
        try erpc:call(N, os, cmd, ["ls"]) catch error:{exception, undef, [{os, cmd, ["ls"], []}]} -> ok end,
        {badrpc, {'EXIT', {undef, [{test, echo, [], []}]}}} = rpc:call(N, test, echo, []),
        {badrpc, {'EXIT', {undef, [{init, stop, [], []}]}}} = rpc:call(N, init, stop, [])
      end},
     {no_code_is_run, fun() ->
        try erpc:call(N, fun() -> 1 end) catch error:{erpc, notsup} -> ok end,
        {Pid, Ref} = spawn_monitor(N, erlang, apply, [fun() -> 1 end, []]),
        receive {'DOWN', Ref, process, Pid, notsup} -> ok end
      end},
     {bad_arguments, fun() -> try erpc:call(N, test, echo, [1 | 2]) catch error:{erpc, badarg} -> ok end end},
     {from_a_thread, fun() -> [x = call(N, thread, [x]) || _ <- lists:seq(1, 100)] end},
     {rpc_variants, fun() ->
        1 = rpc:call(N, test, echo, [1], 5000),
        1 = rpc:block_call(N, test, echo, [1]),
        {badrpc, {'EXIT', {boom, _}}} = rpc:block_call(N, test, error, [boom]),
        {[1], []} = rpc:multicall([N], test, echo, [1]),
        {[1], ['none@127.0.0.1']} = rpc:multicall([N, 'none@127.0.0.1'], test, echo, [1]),
        2 = rpc:yield(rpc:async_call(N, test, echo, [2])),
        true = rpc:cast(N, test, echo, [1]),
        [3, 4] = [rpc:call(N, test, echo, [X]) || X <- [3, 4]]
      end},
     {erpc_variants, fun() ->
        [{ok, 1}, {error, {erpc, noconnection}}] = erpc:multicall([N, 'none@127.0.0.1'], test, echo, [1]),
        Request = erpc:send_request(N, test, echo, [5]),
        5 = erpc:receive_response(Request),
        ok = erpc:cast(N, test, echo, [1]),
        ok = erpc:multicast([N], test, echo, [1])
      end},
     {timeout_cancels, fun() ->
        Before = call(N, cancelled, []),
        try erpc:call(N, test, sleep, [60000], 50) catch error:{erpc, timeout} -> ok end,
        {badrpc, timeout} = rpc:call(N, test, sleep, [60000], 50),
        node_kit:wait(fun() -> call(N, cancelled, []) >= Before + 2 end),
        slept_out(N)
      end},
     {death_of_the_caller_cancels, fun() ->
        Pid = spawn(fun() -> call(N, sleep, [60000]) end),
        node_kit:wait(fun() -> call(N, sleeping, []) =:= 1 end),
        exit(Pid, kill),
        slept_out(N)
      end},
     {many_at_once, fun() ->
        Self = self(),
        Pids = [spawn_link(fun() -> [I = call(N, echo, [I]) || _ <- lists:seq(1, 50)], Self ! {done, self()} end)
                || I <- lists:seq(1, 50)],
        [receive {done, Pid} -> ok end || Pid <- Pids]
      end},
     {group_leader, fun() ->
        Self = self(),
        Leader = spawn_link(fun() -> leader(Self) end),
        group_leader(Leader, self()),
        ok = call(N, log, [<<"næste"/utf8>>, 3]),
        ["næste 1\n", "næste 2\n", "næste 3\n"] =
            [receive {line, L} -> unicode:characters_to_list(L) after 1000 -> none end || _ <- [1, 2, 3]]
      end}].

leader(To) ->
    receive
        {io_request, From, Ref, {put_chars, unicode, Line}} ->
            To ! {line, Line},
            From ! {io_reply, Ref, ok},
            leader(To)
    end.

%% Watching ----------------------------------------------------------------------------------------------

watching(N) ->
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

%% Servers -----------------------------------------------------------------------------------------------

servers(N) ->
    [{gen_call, fun() ->
        hi = gen_server:call({test, N}, {echo, hi}),
        ok = gen_server:call({test, N}, null),
        ok = gen_server:call({test, N}, {null}),
        {badrpc, {'EXIT', {boom, _}}} = gen_server:call({test, N}, {error, boom}),
        {[{N, 1}], []} = gen_server:multi_call([N], test, {echo, 1})
      end},
     {gen_call_undef, fun() ->
        {error, #{reason := undef, message := _}} = gen_server:call({test, N}, {no_such, 1}),
        {error, #{reason := undef}} = gen_server:call({test, N}, "text")
      end},
     {gen_call_timeout_cancels, fun() ->
        try gen_server:call({test, N}, {sleep, 60000}, 50) catch exit:{timeout, _} -> ok end,
        slept_out(N)
      end},
     {gen_call_killed_caller_cancels, fun() ->
        Pid = spawn(fun() -> gen_server:call({test, N}, {sleep, 60000}, infinity) end),
        node_kit:wait(fun() -> call(N, sleeping, []) =:= 1 end),
        exit(Pid, kill),
        slept_out(N)
      end},
     {gen_call_unknown, fun() -> try gen_server:call({no_such, N}, x) catch exit:{noproc, _} -> ok end end},
     {gen_call_without_alias, fun() ->
        Ref = make_ref(),
        {test, N} ! {'$gen_call', {self(), Ref}, {echo, old}},
        receive {Ref, old} -> ok end
      end},
     {casts_and_strangers, fun() ->
        ok = gen_server:cast({test, N}, {echo, 1}),
        {test, N} ! hello,
        {no_such, N} ! hello,
        ok = gen_server:cast({no_such, N}, hello),
        {Pid, Ref} = spawn_monitor(N, test, null, []),
        receive {'DOWN', Ref, _, _, normal} -> ok end,
        Pid ! hello,
        exit(Pid, x),
        ok = call(N, null, [])
      end},
     {rex, fun() ->
        {rex, N} ! {self(), features_request},
        receive {features_reply, N, [erpc]} -> ok end,
        {rex, N} ! {self(), {call, test, echo, [7], group_leader()}},
        receive {rex, 7} -> ok end,
        gen_server:cast({rex, N}, {cast, test, echo, [7], group_leader()}),
        {badrpc, notsup} = gen_server:call({rex, N}, what)
      end},
     {net_kernel, fun() -> yes = gen_server:call({net_kernel, N}, {is_auth, node()}),
                           {error, bad_request} = gen_server:call({net_kernel, N}, what) end},
     {flags, fun() ->
        Ours = 16#D07DF5FBC,
        Cache = 16#2000,
        0 = (Ours bor Cache bor 1) band bnot (erts_internal_flags() bor 1)
      end}].

%% What this BEAM announces; later ones announce more.
erts_internal_flags() ->
    Flags = erts_internal:get_dflags(),
    lists:max([F || F <- tuple_to_list(Flags), is_integer(F)]).

%% Payloads ----------------------------------------------------------------------------------------------

payloads(N) ->
    [{arguments, fun() -> [S = call(N, size, [binary:copy(<<1>>, S)]) ||
                              S <- [0, 1, 64, 65, 4095, 4096, 65000, 65535, 65536, 131072, 200000, 1 bsl 20, 64 bsl 20]] end},
     {results, fun() -> [check(S, call(N, blob, [S])) ||
                            S <- [0, 1, 64, 65, 4095, 4096, 65000, 65535, 65536, 65537, 131072, 200000, 1 bsl 20, 64 bsl 20]] end},
     {results_by_server, fun() -> [check(S, gen_server:call({test, N}, {blob, S})) || S <- [10, 100000, 10 bsl 20]] end},
     {echoes, fun() ->
        Big = #{a => binary:copy(<<"abc">>, 1 bsl 20), b => [binary:copy(<<X>>, 70000) || X <- lists:seq(1, 20)]},
        Big = call(N, echo, [Big])
      end},
     {senders_interleave, fun() ->
        Self = self(),
        Pids = [spawn_link(fun() ->
                               Binary = binary:copy(<<I>>, 3 bsl 20),
                               [Binary = call(N, echo, [Binary]) || _ <- [1, 2, 3]],
                               Self ! {done, self()}
                           end) || I <- lists:seq(1, 8)],
        [receive {done, Pid} -> ok end || Pid <- Pids]
      end},
     {stream_keeps_its_order, fun() ->
        [begin
             streamed = call(N, stream, [self(), 20, Size]),
             [{I, W} = receive {draws, I0, B} -> {I0, byte_size(B)} end
              || I <- lists:seq(1, 20), W <- [case I rem 2 of 1 -> Size; 0 -> 10 end]]
         end || Size <- [1000, 100000, 3 bsl 20]]
      end},
     {small_overtakes_large, fun() ->
        Self = self(),
        spawn_link(fun() -> check(200 bsl 20, call(N, blob, [200 bsl 20])), Self ! large end),
        timer:sleep(150),
        spawn_link(fun() -> [ok = call(N, null, []) || _ <- [1, 2, 3]], Self ! small end),
        First = receive large -> large; small -> small end,
        receive large -> ok; small -> ok end,
        small = First
      end},
     {peer_without_fragments, fun() -> node_hostile:plain_peer(N) end}].

check(Size, Binary) ->
    Size = byte_size(Binary),
    [true = binary:at(Binary, I) =:= I rem 251 || Size > 0, I <- [0, Size div 3, Size div 2, Size - 1]],
    ok.

%% Connections -------------------------------------------------------------------------------------------

connection() ->
    [{wrong_cookie, fun() ->
        Other = node_kit:start(test, node_kit:name(d), []),
        #{name := O, log := Log} = Other,
        erlang:set_cookie(O, other_cookie),
        false = net_kernel:connect_node(O),
        pang = net_adm:ping(O),
        {badrpc, nodedown} = rpc:call(O, test, null, []),
        erlang:set_cookie(O, erlang:get_cookie()),
        pong = net_adm:ping(O),
        {ok, Said} = file:read_file(Log),
        {_, _} = binary:match(Said, <<"has another cookie">>),
        0 = node_kit:stop(Other)
      end},
     {duplicate_name, fun() ->
        Other = node_kit:start(test, node_kit:name(e), []),
        {1, Said} = node_kit:start_fails(test, maps:get(name, Other), []),
        {_, _} = binary:match(Said, <<"another node on this host has it">>),
        0 = node_kit:stop(Other)
      end},
     {no_epmd_answers, fun() ->
        {1, Said} = node_kit:start_fails(test, node_kit:name(f), ["--epmd-port", "1"]),
        {_, _} = binary:match(Said, <<"no epmd answers at 127.0.0.1:1">>)
      end},
     {bad_options, fun() ->
        [{2, _} = node_kit:start_fails(test, Name, Args)
         || {Name, Args} <- [{'nohost', ["--listen", "x", "--dist-ports", "9-1"]}, {'short@host', []}, {'a@b@c.d', []},
                             {node_kit:name(g), ["--no-epmd"]}, {node_kit:name(g), ["--dist-ports", "70000"]},
                             {node_kit:name(g), ["--nonsense"]}]]
      end},
     {cookie_file, fun() ->
        File = filename:join(os:getenv("RUN"), "cookie"),
        ok = file:write_file(File, [atom_to_list(erlang:get_cookie()), "\n"]),
        ok = file:change_mode(File, 8#644),
        {1, Said} = node_kit:start_fails(test, node_kit:name(h), ["--cookie-file", File]),
        {_, _} = binary:match(Said, <<"open to others">>),
        ok = file:change_mode(File, 8#400),
        Other = node_kit:start(test, node_kit:name(h), ["--cookie-file", File]),
        pong = net_adm:ping(maps:get(name, Other)),
        0 = node_kit:stop(Other)
      end},
     {pinned_ports, fun() ->
        Args = ["--dist-ports", "29100-29199"],
        One = node_kit:start(test, node_kit:name(i), Args),
        Two = node_kit:start(test, node_kit:name(i), Args),
        [true = P >= 29100 andalso P =< 29199 || #{tcp := P} <- [One, Two]],
        true = maps:get(tcp, One) =/= maps:get(tcp, Two),
        pong = net_adm:ping(maps:get(name, Two)),
        [0 = node_kit:stop(X) || X <- [One, Two]]
      end},
     {without_epmd, fun() ->
        #{tcp := Port, name := Name} = Other =
            node_kit:start(test, node_kit:name(j), ["--no-epmd", "--dist-ports", "29200-29299"]),
        "pong" ++ _ = beam(["-erl_epmd_port", integer_to_list(Port), "-start_epmd", "false", "-dist_listen", "false"],
                           io_lib:format("io:format(\"~~p~~n\", [net_adm:ping('~s')])", [Name])),
        0 = node_kit:stop(Other)
      end},
     {weak_cookie_off_loopback, fun() ->
        File = filename:join(os:getenv("RUN"), "weak"),
        ok = file:write_file(File, "monster"),
        ok = file:change_mode(File, 8#400),
        {1, Said} = node_kit:start_fails(test, node_kit:name(k), ["--cookie-file", File, "--listen", "0.0.0.0"]),
        {_, _} = binary:match(Said, <<"every scanner tries">>)
      end},
     {reconnect, fun() ->
        Other = node_kit:start(test, node_kit:name(l), []),
        #{name := O} = Other,
        [begin
             pong = net_adm:ping(O),
             true = erlang:disconnect_node(O)
         end || _ <- lists:seq(1, 20)],
        pong = net_adm:ping(O),
        0 = node_kit:stop(Other)
      end},
     {loss_of_the_peer_cancels, fun() ->
        Other = node_kit:start(test, node_kit:name(m), []),
        #{name := O} = Other,
        spawn(fun() -> catch erpc:call(O, test, sleep, [60000]) end),
        node_kit:wait(fun() -> erpc:call(O, test, sleeping, []) =:= 1 end),
        true = erlang:disconnect_node(O),
        node_kit:wait(fun() -> erpc:call(O, test, sleeping, []) =:= 0 end),
        0 = node_kit:stop(Other)
      end},
     {busy, fun() ->
        Other = node_kit:start(test, node_kit:name(n), ["--max-calls", "2"]),
        #{name := O} = Other,
        Keys = [erpc:send_request(O, test, sleep, [1000]) || _ <- [1, 2]],
        try erpc:call(O, test, null, []) catch error:{erpc, busy} -> ok end,
        {badrpc, {'EXIT', busy}} = rpc:call(O, test, null, []),
        {error, #{reason := busy}} = gen_server:call({test, O}, null),
        [slept = erpc:receive_response(K) || K <- Keys],
        ok = erpc:call(O, test, null, []),
        0 = node_kit:stop(Other)
      end},
     {too_large, fun() ->
        %% Refused by name, and the connection lives.
        Other = node_kit:start(test, node_kit:name(tl), ["--max-fragments-mb", "4"]),
        #{name := O} = Other,
        pong = net_adm:ping(O),
        monitor_node(O, true),
        Big = binary:copy(<<1>>, 5 bsl 20),
        [begin
             try erpc:call(O, test, size, [Big]) catch error:{erpc, too_large} -> ok end,
             {error, #{reason := too_large, message := _}} = gen_server:call({test, O}, {size, Big}),
             {test, O} ! Big,
             3145728 = erpc:call(O, test, size, [binary:part(Big, 0, 3 bsl 20)])
         end || _ <- [1, 2, 3]],
        receive {nodedown, O} -> error(lost) after 0 -> ok end,
        0 = node_kit:stop(Other)
      end},
     {a_thousand_half_open, fun() ->
        %% Each silent connection is taken; those beyond the cap make room, and an honest peer gets in past them.
        Metrics = metrics_port(),
        #{name := O, tcp := Port} = Other =
            node_kit:start(test, node_kit:name(ho), ["--metrics", integer_to_list(Metrics), "--max-half-open", "100",
                                                     "--max-half-open-per-address", "64", "--log-level", "error"]),
        Silent = [begin
                      {ok, S} = gen_tcp:connect({127, 0, 0, 1}, Port, [binary, {active, false}]),
                      %% Between, twenty times, the honest one connects anew and calls.
                      I rem 50 =/= 0 orelse begin
                          I = erpc:call(O, test, echo, [I]),
                          true = erlang:disconnect_node(O)
                      end,
                      S
                  end || I <- lists:seq(1, 1000)],
        {Delay, pong} = timer:tc(net_adm, ping, [O]),
        io:format("a_thousand_half_open: connected in ~.1f ms past ~b silent connections~n", [Delay / 1000, length(Silent)]),
        Page = http("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"),
        {match, [Held]} = re:run(Page, "\ndrey_half_open_connections ([0-9]+)\n", [{capture, all_but_first, list}]),
        true = list_to_integer(Held) =< 64,
        [gen_tcp:close(S) || S <- Silent],
        0 = node_kit:stop(Other)
      end},
     {ticks, fun() -> child(ticks) end},
     {a_silent_peer_is_dropped, fun() -> child(quiet) end}].

%% Connections that the node begins -----------------------------------------------------------------------

connecting() ->
    [{connects_to_a_beam, fun() ->
        Name = node_kit:name(p),
        ok = net_kernel:monitor_nodes(true, #{node_type => all}),
        Node = node_kit:start(test, Name, ["--connect", atom_to_list(node())]),
        receive {nodeup, Name, _} -> ok after 5000 -> error(not_up) end,
        true = lists:member(Name, nodes(hidden)),
        ok = erpc:call(Name, test, null, []),
        %% It comes back when the connection is cut.
        true = erlang:disconnect_node(Name),
        receive {nodeup, Name, _} -> ok after 10000 -> error(not_up_again) end,
        0 = node_kit:stop(Node)
      end},
     {connects_to_a_node, fun() ->
        One = node_kit:start(test, node_kit:name(q), []),
        Two = node_kit:start(test, node_kit:name(r), ["--connect", atom_to_list(maps:get(name, One))]),
        node_kit:wait(fun() -> said(Two, atom_to_list(maps:get(name, One)) ++ " connected") end),
        node_kit:wait(fun() -> said(One, atom_to_list(maps:get(name, Two)) ++ " connected") end),
        [0 = node_kit:stop(X) || X <- [One, Two]]
      end},
     {both_at_once, fun() ->
        %% Two nodes that keep a connection to one another end with one, whoever was first.
        [A, B] = Names = [node_kit:name(s), node_kit:name(t)],
        One = node_kit:start(test, A, ["--connect", atom_to_list(B)]),
        Two = node_kit:start(test, B, ["--connect", atom_to_list(A)]),
        node_kit:wait(fun() -> said(One, atom_to_list(B) ++ " connected") end, 10000),
        timer:sleep(1500),
        [ok = erpc:call(N, test, null, []) || N <- Names],
        [0 = node_kit:stop(X) || X <- [One, Two]]
      end}].

said(#{log := Log}, Text) ->
    {ok, Said} = file:read_file(Log),
    binary:match(Said, list_to_binary(Text)) =/= nomatch.

%% Operations --------------------------------------------------------------------------------------------

operations() ->
    [{metrics, fun() ->
        Node = node_kit:start(test, node_kit:name(u), ["--metrics", integer_to_list(metrics_port())]),
        ok = erpc:call(maps:get(name, Node), test, null, []),
        Page = http("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"),
        [{_, _} = binary:match(Page, Line) || Line <- [<<"200 OK">>, <<"\ndrey_peers 1\n">>, <<"\ndrey_calls_total 1\n">>,
                                                        <<"# TYPE drey_calls_total counter">>]],
        {_, _} = binary:match(http("GET /etc/passwd HTTP/1.1\r\n\r\n"), <<"404">>),
        0 = node_kit:stop(Node)
      end},
     {json_log, fun() ->
        Node = node_kit:start(test, node_kit:name(v), ["--log-format", "json"]),
        pong = net_adm:ping(maps:get(name, Node)),
        0 = node_kit:stop(Node),
        {ok, Said} = file:read_file(maps:get(log, Node)),
        Lines = [L || L <- binary:split(Said, <<"\n">>, [global]), L =/= <<>>],
        true = length(Lines) >= 3,
        [match = re:run(L, "^\\{\"time\":\"[0-9T:.-]+Z\",\"level\":\"[a-z]+\",\"message\":\".*\"\\}$", [{capture, none}]) || L <- Lines]
      end},
     {config_file, fun() ->
        File = filename:join(os:getenv("RUN"), "node.conf"),
        ok = file:write_file(File, "log-level = \"debug\"\nmax-calls = 1\n"),
        Node = node_kit:start(test, node_kit:name(w), ["--config", File]),
        Key = erpc:send_request(maps:get(name, Node), test, sleep, [500]),
        try erpc:call(maps:get(name, Node), test, null, []) catch error:{erpc, busy} -> ok end,
        slept = erpc:receive_response(Key),
        0 = node_kit:stop(Node)
      end},
     {sys_info, fun() ->
        Node = node_kit:start(test, node_kit:name(x), []),
        Info = rpc:call(maps:get(name, Node), observer_backend, sys_info, []),
        [true = lists:keymember(K, 1, Info) || K <- [process_count, uptime, io_input, schedulers, otp_release, version]],
        0 = node_kit:stop(Node)
      end},
     {epmd_restart, fun() ->
        %% An epmd of its own, killed and started again: the node is found again.
        Port = integer_to_list(22000 + list_to_integer(os:getpid()) rem 6000),
        Epmd = fun() ->
            Started = open_port({spawn_executable, os:find_executable("epmd")}, [{args, ["-port", Port, "-address", "127.0.0.1"]}]),
            node_kit:wait(fun() -> string:find(os:cmd("epmd -port " ++ Port ++ " -names"), "up and running") =/= nomatch end),
            Started
        end,
        Kill = fun(P) -> {os_pid, Pid} = erlang:port_info(P, os_pid), os:cmd("kill -KILL " ++ integer_to_list(Pid)) end,
        Known = fun() -> string:find(os:cmd("epmd -port " ++ Port ++ " -names"), "name y_") =/= nomatch end,
        First = Epmd(),
        Node = node_kit:start(test, node_kit:name(y), ["--epmd-port", Port]),
        true = Known(),
        Kill(First),
        timer:sleep(300),
        Second = Epmd(),
        node_kit:wait(Known, 10000),
        0 = node_kit:stop(Node),
        Kill(Second)
      end},
     {erl_call, fun() ->
        Node = node_kit:start(test, node_kit:name(ec), []),
        Said = os:cmd(lists:concat(["erl_call -c ", erlang:get_cookie(), " -name ", maps:get(name, Node), " -a 'test echo [4711]'"])),
        {_, _} = {string:find(Said, "4711"), Said},
        true = string:find(Said, "4711") =/= nomatch,
        0 = node_kit:stop(Node)
      end}].

metrics_port() -> 28000 + list_to_integer(os:getpid()) rem 1000.

http(Request) ->
    {ok, S} = gen_tcp:connect({127, 0, 0, 1}, metrics_port(), [binary, {active, false}]),
    ok = gen_tcp:send(S, Request),
    Read = fun Read(Got) -> case gen_tcp:recv(S, 0, 5000) of {ok, More} -> Read([Got, More]); {error, closed} -> Got end end,
    iolist_to_binary(Read([])).

%% A BEAM of its own for what a kernel parameter decides.
child(Function) ->
    Other = node_kit:start(test, node_kit:name(o), case Function of ticks -> []; quiet -> ["--tick-time", "3"] end),
    "ok" ++ _ = beam(["-kernel", "net_ticktime", case Function of ticks -> "4"; quiet -> "600" end],
                     io_lib:format("node_suite:~s('~s')", [Function, maps:get(name, Other)])),
    0 = node_kit:stop(Other).

beam(Args, Eval) ->
    Name = atom_to_list(node_kit:name(child)),
    os:cmd(lists:flatten(lists:join(" ", ["erl -noinput -hidden -name", Name, "-setcookie", atom_to_list(erlang:get_cookie()),
                                          "-pa", filename:dirname(code:which(?MODULE)) | Args]
                                    ++ ["-eval", ["\"", string:replace(Eval, "\"", "\\\"", all), ", halt().\""]]))).

%% This BEAM counts a peer as gone after 4 s: the node must answer its ticks, idle and with a call under way.
ticks(O) ->
    pong = net_adm:ping(O),
    monitor_node(O, true),
    receive {nodedown, O} -> io:format("lost~n") after 7000 -> ok end,
    slept = erpc:call(O, test, sleep, [1500]),
    io:format("ok~n").

%% This BEAM ticks every 150 s; the node expects to hear from it within 3.
quiet(O) ->
    pong = net_adm:ping(O),
    monitor_node(O, true),
    receive {nodedown, O} -> io:format("ok~n") after 8000 -> io:format("still there~n") end.

%% The product -------------------------------------------------------------------------------------------

product() ->
    [{calls, fun() ->
        Node = node_kit:start(drey, node_kit:name(drey), []),
        #{name := N} = Node,
        pong = net_adm:ping(N),
        #{version := _, node := N, devices := [_ | _]} = Info = rpc:call(N, drey, info, []),
        #{version := _} = gen_server:call({drey, N}, info),
        Model = #{data => #{y => [1.0, 2.0, 3.0]}, parameters => [{mu, real}],
                  model => [{'~', mu, {normal, 0, 1}}, {'~', y, {normal, mu, 1}}]},
        {ok, #{dimension := 1}} = rpc:call(N, drey, check, [Model]),
        {error, #{reason := _, message := _}} = rpc:call(N, drey, check, [not_a_model]),
        {ok, #{draws := #{mu := {_, [4, 50], Binary}}}} =
            rpc:call(N, drey, sample, [Model, #{chains => 4, draws => 50, warmup => 100, seed => 1}]),
        true = byte_size(Binary) >= 4 * 50 * 4,
        {ok, #{draws := #{mu := {_, [4, 50], Binary}}}} =
            gen_server:call({drey, N}, {sample, Model, #{chains => 4, draws => 50, warmup => 100, seed => 1}}, 60000),
        {badrpc, {'EXIT', {undef, [{drey, nonsense, [], []}]}}} = rpc:call(N, drey, nonsense, []),
        {error, #{reason := undef}} = gen_server:call({drey, N}, nonsense),
        [] = rpc:call(N, drey, jobs, []),
        Ref = monitor(process, {drey, N}),
        0 = node_kit:stop(Node),
        receive {'DOWN', Ref, process, {drey, N}, shutdown} -> ok end,
        Info
      end},
     {timeout_cancels, fun() ->
        Node = node_kit:start(drey, node_kit:name(drey), []),
        #{name := N} = Node,
        Model = #{parameters => [{mu, real}], model => [{'~', mu, {normal, 0, 1}}]},
        {badrpc, timeout} = rpc:call(N, drey, sample, [Model, #{chains => 4, draws => 1000000}], 300),
        node_kit:wait(fun() -> rpc:call(N, drey, jobs, []) =:= [] end, 20000),
        0 = node_kit:stop(Node)
      end}].
