%% Who may connect, under which name and port, how many, and how a lost or silent peer is noticed.
-module(node_connection).

-export([cases/0, nameless/1, ticks/1, quiet/1]).

cases() ->
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
        "pong" ++ _ = node_kit:beam(node_kit:beam_name() ++ ["-erl_epmd_port", integer_to_list(Port),
                                                       "-start_epmd", "false", "-dist_listen", "false"],
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
     {listens_where_it_is_told, fun() ->
        Other = node_kit:start(test, node_kit:name(li), ["--listen", "127.0.0.2"]),
        {ok, S} = gen_tcp:connect({127, 0, 0, 2}, maps:get(tcp, Other), []),
        gen_tcp:close(S),
        {error, econnrefused} = gen_tcp:connect({127, 0, 0, 1}, maps:get(tcp, Other), []),
        0 = node_kit:stop(Other)
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
     {what_begins_a_connection, fun() ->
        %% A message that connects is written before it is known what the node can read.
        Other = node_kit:start(test, node_kit:name(hd), []),
        #{name := O} = Other,
        Term = {fun erlang:apply/2, <<5:3>>, #{a => 1 bsl 80}, 'å', make_ref()},
        Begins = [fun() -> Term = gen_server:call({test, O}, {echo, Term}) end,
                  fun() -> Term = erpc:call(O, test, echo, [Term]) end,
                  fun() -> Ref = monitor(process, {nobody, O}), receive {'DOWN', Ref, _, _, noproc} -> ok end end,
                  fun() -> {test, O} ! Term end,
                  fun() -> {_, Ref} = spawn_monitor(O, test, null, []), receive {'DOWN', Ref, _, _, normal} -> ok end end],
        [begin Begin(), ok = erpc:call(O, test, null, []), erlang:disconnect_node(O) end || Begin <- Begins ++ Begins],
        0 = node_kit:stop(Other)
      end},
     {a_peer_without_a_name_is_given_one, fun() ->
        %% `erl -sname undefined': a client for a while, which the node that it connects to names.
        Name = lists:concat(["nm_", erlang:unique_integer([positive]), "@localhost"]),
        Other = node_kit:start_named(test, "--sname", Name, []),
        "ok" ++ _ = node_kit:beam(["-sname", "undefined"], io_lib:format("node_connection:nameless('~s')", [maps:get(name, Other)])),
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
        Metrics = node_kit:metrics_port(),
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
        Page = node_kit:http("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"),
        {match, [Held]} = re:run(Page, "\ndrey_half_open_connections ([0-9]+)\n", [{capture, all_but_first, list}]),
        true = list_to_integer(Held) =< 64,
        [gen_tcp:close(S) || S <- Silent],
        0 = node_kit:stop(Other)
      end},
     {ticks, fun() -> child(ticks) end},
     {a_silent_peer_is_dropped, fun() -> child(quiet) end}].

%% A BEAM of its own for what a kernel parameter decides.
child(Function) ->
    Other = node_kit:start(test, node_kit:name(o), case Function of ticks -> []; quiet -> ["--tick-time", "3"] end),
    "ok" ++ _ = node_kit:beam(node_kit:beam_name() ++ ["-kernel", "net_ticktime",
                                                       case Function of ticks -> "4"; quiet -> "600" end],
                              io_lib:format("node_connection:~s('~s')", [Function, maps:get(name, Other)])),
    0 = node_kit:stop(Other).

nameless(O) ->
    nonode@nohost = node(),
    true = net_kernel:connect_node(O),
    [Alive, _] = string:lexemes(atom_to_list(node()), "@"),
    13 = length(Alive),
    {1, [2.0]} = erpc:call(O, test, echo, [{1, [2.0]}]),
    {Pid, Ref} = spawn_monitor(O, test, sleep, [60000]),
    exit(Pid, kill),
    receive {'DOWN', Ref, process, Pid, killed} -> ok end,
    hi = gen_server:call({test, O}, {echo, hi}),
    Mine = self(),
    Mine = erpc:call(O, test, echo, [Mine]),
    io:format("ok~n").

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
