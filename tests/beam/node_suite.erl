%% The node as a peer of a real BEAM: every way to call it, watch it, and lose it. The node under test exports the
%% module `test' (tests/cnode/test_node.cpp); node_product's cases run against the product.
-module(node_suite).

-export([main/0]).

main() ->
    logger:set_primary_config(level, emergency),
    Node = node_kit:start(test, node_kit:name(a), []),
    #{name := N} = Node,
    Cases = [M:cases(N) || M <- [node_calls, node_watching, node_servers, node_payloads]]
        ++ [M:cases() || M <- [node_connection, node_connecting, node_operations, node_ipv6, node_tls, node_soak]],
    {P1, F1} = node_kit:run("node", lists:append(Cases)),
    {P2, F2} = node_kit:run("product", node_product:cases()),
    0 = node_kit:stop(Node),
    {P3, F3} = node_hostile:run(),
    io:format("~b passed, ~b failed~n", [P1 + P2 + P3, F1 + F2 + F3]),
    halt(case F1 + F2 + F3 of 0 -> 0; _ -> 1 end).
