%% A long run against one node: connections made and cut, callers killed in the middle of a call. Nothing may grow. Runs
%% with SOAK=1 (10,000 and 1,000 rounds), SOAK=N for N and N/10.
-module(node_soak).

-export([cases/0]).

cases() ->
    case os:getenv("SOAK", "") of
        "" -> [];
        "1" -> cases(10000);
        Rounds -> cases(list_to_integer(Rounds))
    end.

cases(Rounds) ->
    [{soak, fun() ->
        Node = node_kit:start(test, node_kit:name(soak), ["--log-level", "warn"]),
        #{name := N} = Node,
        cycles(N, 200), kills(N, 50),
        Before = state(Node),
        io:format("soak: before ~p~n", [Before]),
        cycles(N, Rounds),
        kills(N, Rounds div 10),
        node_kit:wait(fun() -> erpc:call(N, test, sleeping, []) =:= 0 end),
        After = state(Node),
        io:format("soak: after ~p~n", [After]),
        #{kilobytes := K0, descriptors := D0} = Before,
        #{kilobytes := K1, descriptors := D1} = After,
        true = D1 =< D0 + 2,
        true = K1 =< K0 + 4096,
        0 = node_kit:stop(Node)
      end}].

cycles(N, Rounds) ->
    [begin ok = erpc:call(N, test, null, []), true = erlang:disconnect_node(N) end || _ <- lists:seq(1, Rounds)].

kills(N, Rounds) ->
    [begin
         Pid = spawn(fun() -> catch erpc:call(N, test, sleep, [600000]) end),
         timer:sleep(rand:uniform(3)),
         exit(Pid, kill)
     end || _ <- lists:seq(1, Rounds)].

state(#{os_pid := Pid}) ->
    {ok, Status} = file:read_file(lists:concat(["/proc/", Pid, "/status"])),
    {match, [Kilobytes]} = re:run(Status, "VmRSS:\\s+([0-9]+)", [{capture, all_but_first, list}]),
    {ok, Descriptors} = file:list_dir_all(lists:concat(["/proc/", Pid, "/fd"])),
    #{kilobytes => list_to_integer(Kilobytes), descriptors => length(Descriptors)}.
