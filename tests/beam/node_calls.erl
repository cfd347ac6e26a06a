%% Every way to call a function of the node, and what comes back. The node exports the module `test'.
-module(node_calls).

-export([cases/1]).

cases(N) ->
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
        {[N], []} = rpc:sbcast([N], test, hello),
        {[], [N]} = rpc:sbcast([N], nobody, hello),
        abcast = rpc:abcast([N], test, hello),
        abcast = rpc:eval_everywhere([N], test, echo, [1]),
        {error, nodedown} = rpc:server_call('none@127.0.0.1', x, y, z),
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

call(N, F, A) -> erpc:call(N, test, F, A).

slept_out(N) -> node_kit:wait(fun() -> call(N, sleeping, []) =:= 0 end).
