%% The node under `erl -proto_dist inet6_tcp': BEAMs that resolve hosts to IPv6 addresses and ask epmd there.
-module(node_ipv6).

-export([cases/0, calls/1, waits_for/1]).

cases() ->
    case gen_tcp:listen(0, [inet6, {ip, {0, 0, 0, 0, 0, 0, 0, 1}}]) of
        {ok, L} -> gen_tcp:close(L), all();
        {error, Why} -> io:format("ipv6: skipped, this machine has no ::1 (~s)~n", [Why]), []
    end.

all() ->
    [{ipv6_by_address, fun() ->
        Node = node_kit:start(test, name("::1"), []),
        "ok" ++ _ = beam("-name", "::1", "calls", maps:get(name, Node)),
        0 = node_kit:stop(Node)
      end},
     {ipv6_by_host, fun() ->
        %% One node, for those who find its host by IPv4 and by IPv6.
        Node = node_kit:start_named(test, "--sname", name("localhost"), []),
        [begin
             {ok, S} = gen_tcp:connect(Address, maps:get(tcp, Node), []),
             gen_tcp:close(S)
         end || Address <- [{127, 0, 0, 1}, {0, 0, 0, 0, 0, 0, 0, 1}]],
        "ok" ++ _ = beam("-sname", "localhost", "calls", maps:get(name, Node)),
        0 = node_kit:stop(Node)
      end},
     {ipv6_node_connects, fun() ->
        Peer = name("::1"),
        Node = node_kit:start(test, name("::1"), ["--connect", atom_to_list(Peer)]),
        "ok" ++ _ = beam("-name", Peer, "waits_for", maps:get(name, Node)),
        0 = node_kit:stop(Node)
      end}].

%% Run by the BEAM under IPv6.
calls(N) ->
    pong = net_adm:ping(N),
    {1, [2.0]} = erpc:call(N, test, echo, [{1, [2.0]}]),
    hi = rpc:call(N, test, echo, [hi]),
    hi = gen_server:call({test, N}, {echo, hi}),
    Blob = binary:copy(<<"abc">>, 1 bsl 20),
    Blob = erpc:call(N, test, echo, [Blob]),
    io:format("ok~n").

waits_for(N) ->
    node_kit:wait(fun() -> lists:member(N, nodes(hidden)) end, 20000),
    ok = erpc:call(N, test, null, []),
    io:format("ok~n").

name(Host) -> list_to_atom(lists:concat(["x6_", erlang:unique_integer([positive]), "@", Host])).

%% Its host table is its own: not every machine gives localhost an IPv6 address.
beam(Kind, Host, Function, Node) when is_list(Host) -> beam(Kind, name(Host), Function, Node);
beam(Kind, Name, Function, Node) ->
    Hosts = filename:join(os:getenv("RUN"), "inetrc"),
    ok = file:write_file(Hosts, "{lookup, [file]}.\n{host, {0,0,0,0,0,0,0,1}, [\"localhost\"]}.\n"),
    node_kit:beam(["-env", "ERL_INETRC", Hosts, "-proto_dist", "inet6_tcp", Kind, atom_to_list(Name)],
                  io_lib:format("node_ipv6:~s('~s')", [Function, Node])).
