%% What who runs a node sees of it: metrics, logs, its configuration, epmd, sys_info, erl_call.
-module(node_operations).

-export([cases/0]).

cases() ->
    [{metrics, fun() ->
        Node = node_kit:start(test, node_kit:name(u), ["--metrics", integer_to_list(node_kit:metrics_port())]),
        ok = erpc:call(maps:get(name, Node), test, null, []),
        Page = node_kit:http("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"),
        [{_, _} = binary:match(Page, Line) || Line <- [<<"200 OK">>, <<"\ndrey_peers 1\n">>, <<"\ndrey_calls_total 1\n">>,
                                                        <<"# TYPE drey_calls_total counter">>]],
        {_, _} = binary:match(node_kit:http("GET /etc/passwd HTTP/1.1\r\n\r\n"), <<"404">>),
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
        %% What observer asks of a node, in its order; the keys and their types are this BEAM's.
        Node = node_kit:start(test, node_kit:name(x), []),
        #{name := N} = Node,
        {module, observer_backend} = rpc:call(N, code, ensure_loaded, [observer_backend]),
        true = rpc:call(N, erlang, function_exported, [observer_backend, sys_info, 0]),
        false = rpc:call(N, erlang, function_exported, [observer_backend, get_table_list, 2]),
        Info = rpc:call(N, observer_backend, sys_info, []),
        Kind = fun(V) -> [is_integer(V), is_atom(V), is_list(V)] end,
        Wanted = case code:ensure_loaded(observer_backend) of
                     {module, _} -> observer_backend:sys_info();
                     _ -> [{uptime, 1}, {process_count, 1}, {otp_release, "25"}]
                 end,
        [] = [{K, V} || {K, V} <- Wanted, Kind(V) =/= Kind(proplists:get_value(K, Info, {}))],
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
