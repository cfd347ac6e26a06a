%% Connections that the node begins.
-module(node_connecting).

-export([cases/0]).

cases() ->
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
        node_kit:wait(fun() -> node_kit:said(Two, atom_to_list(maps:get(name, One)) ++ " connected") end),
        node_kit:wait(fun() -> node_kit:said(One, atom_to_list(maps:get(name, Two)) ++ " connected") end),
        [0 = node_kit:stop(X) || X <- [One, Two]]
      end},
     {both_at_once, fun() ->
        %% Two nodes that keep a connection to one another end with one, whoever was first.
        [A, B] = Names = [node_kit:name(s), node_kit:name(t)],
        One = node_kit:start(test, A, ["--connect", atom_to_list(B)]),
        Two = node_kit:start(test, B, ["--connect", atom_to_list(A)]),
        node_kit:wait(fun() -> node_kit:said(One, atom_to_list(B) ++ " connected") end, 10000),
        timer:sleep(1500),
        [ok = erpc:call(N, test, null, []) || N <- Names],
        [0 = node_kit:stop(X) || X <- [One, Two]]
      end}].
