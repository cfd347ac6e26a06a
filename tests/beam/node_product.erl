%% The product as a peer: its calls by name, cancelled when nobody waits.
-module(node_product).

-export([cases/0]).

cases() ->
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
     {lines_in_the_callers_shell, fun() ->
        Node = node_kit:start(drey, node_kit:name(drey), []),
        Self = self(),
        group_leader(spawn_link(fun() -> shell(Self) end), self()),
        Model = #{parameters => [{mu, real}], model => [{'~', mu, {normal, 0, 1}}]},
        Opts = #{chains => 4, draws => 50, warmup => 50, seed => 1},
        {ok, #{draws := Draws}} = rpc:call(maps:get(name, Node), drey, sample, [Model, Opts#{log => true}]),
        Lines = iolist_to_binary(lines()),
        [{_, _} = binary:match(Lines, Word) || Word <- [<<"drey job ">>, <<": compile\n">>, <<": sampling, ">>, <<": done after ">>]],
        {ok, #{draws := Draws}} = rpc:call(maps:get(name, Node), drey, sample, [Model, Opts]),
        [] = lines(),
        0 = node_kit:stop(Node)
      end},
     {timeout_cancels, fun() ->
        Node = node_kit:start(drey, node_kit:name(drey), []),
        #{name := N} = Node,
        Model = #{parameters => [{mu, real}], model => [{'~', mu, {normal, 0, 1}}]},
        {badrpc, timeout} = rpc:call(N, drey, sample, [Model, #{chains => 4, draws => 1000000}], 300),
        node_kit:wait(fun() -> rpc:call(N, drey, jobs, []) =:= [] end, 20000),
        0 = node_kit:stop(Node)
      end}].

shell(To) ->
    receive
        {io_request, From, Ref, {put_chars, unicode, Line}} ->
            To ! {line, Line},
            From ! {io_reply, Ref, ok},
            shell(To)
    end.

lines() -> receive {line, Line} -> [Line | lines()] after 300 -> [] end.
