%% What the suites of the node share: running cases, starting and ending nodes, small waits.
-module(node_kit).

-export([run/2, start/3, start_named/4, start_fails/3, kill/2, stop/1, sanitized/1, wait/1, wait/2, flush/0, alive/1]).
-export([executable/1, name/1, said/2, metrics_port/0, http/1, beam/2, beam_name/0]).

%% Runs {Name, Fun} in turn, each in a process of its own with 60 seconds; prints a line for each that fails.
run(Suite, Cases) ->
    Only = os:getenv("ONLY", ""),
    Results = [one(Suite, Name, Fun) || {Name, Fun} <- Cases, Only =:= "" orelse Only =:= atom_to_list(Name)],
    {length([ok || ok <- Results]), length([bad || bad <- Results])}.

one(Suite, Name, Fun) ->
    {Pid, Ref} = spawn_monitor(fun() -> Fun(), exit({?MODULE, done}) end),
    Result = receive
                 {'DOWN', Ref, _, _, {?MODULE, done}} -> ok;
                 {'DOWN', Ref, _, _, Reason} -> bad(Suite, Name, Reason)
             after list_to_integer(os:getenv("CASE_MS", "60000")) ->
                 exit(Pid, kill),
                 bad(Suite, Name, timeout)
             end,
    %% A case that failed leaves what it started.
    [os:cmd(lists:concat(["kill -KILL ", OsPid])) || OsPid <- erase_started(Pid)],
    Result.

%% Programs that a process started and has not ended.
started(OsPid) -> persistent_term:put({?MODULE, self()}, [OsPid | persistent_term:get({?MODULE, self()}, [])]).
ended(OsPid) -> persistent_term:put({?MODULE, self()}, lists:delete(OsPid, persistent_term:get({?MODULE, self()}, []))).
erase_started(Pid) ->
    Left = persistent_term:get({?MODULE, Pid}, []),
    persistent_term:erase({?MODULE, Pid}),
    Left.

bad(Suite, Name, Reason) ->
    io:format("failed: ~s ~s: ~P~n", [Suite, Name, Reason, 40]),
    bad.

executable(test) -> os:getenv("DREY_TEST_NODE");
executable(drey) -> os:getenv("DREY_NODE").

%% A name that no other test has.
name(Alive) -> list_to_atom(lists:concat([Alive, "_", erlang:unique_integer([positive]), "@127.0.0.1"])).

%% Starts a node and waits until it is ready.
start(Kind, Name, Args) -> start_named(Kind, "--name", Name, Args).
start_named(Kind, Option, Name, Args) ->
    case launch(Kind, Option, Name, Args) of
        {ready, Node} -> Node;
        {ended, Status, Log} -> error({node_ended, Status, Log})
    end.

%% Starts a node that must refuse to: its status and what it said.
start_fails(Kind, Name, Args) ->
    case launch(Kind, "--name", Name, Args) of
        {ended, Status, Log} -> {Status, Log};
        {ready, Node} -> stop(Node), error({node_started, Name})
    end.

launch(Kind, Option, Given, Args) ->
    Name = if is_atom(Given) -> Given; true -> list_to_atom(Given) end,
    Log = filename:join(os:getenv("RUN"), lists:concat(["node_", erlang:unique_integer([positive]), ".err"])),
    Port = open_port({spawn_executable, "/bin/sh"},
                     [binary, exit_status, {line, 4096},
                      {args, ["-c", "exec \"$@\" 2>\"$0\"", Log, executable(Kind), Option, Name | Args]}]),
    receive
        {Port, {data, {_, <<"drey_node ready ", Rest/binary>>}}} ->
            {match, [Tcp]} = re:run(Rest, "port=([0-9]+)", [{capture, all_but_first, list}]),
            {os_pid, Pid} = erlang:port_info(Port, os_pid),
            started(Pid),
            {ready, #{port => Port, os_pid => Pid, name => Name, tcp => list_to_integer(Tcp), log => Log, line => Rest}};
        {Port, {exit_status, Status}} ->
            {ok, Said} = file:read_file(Log),
            {ended, Status, Said}
    after 30000 -> error({not_ready, Name})
    end.

kill(#{os_pid := Pid}, Signal) -> os:cmd(lists:concat(["kill -", Signal, " ", Pid])).

%% Whether a node was built with a sanitizer.
sanitized(#{os_pid := Pid}) ->
    {ok, Maps} = file:read_file(lists:concat(["/proc/", Pid, "/maps"])),
    binary:match(Maps, <<"libasan">>) =/= nomatch.

alive(#{os_pid := Pid}) -> os:cmd(lists:concat(["kill -0 ", Pid, " 2>&1"])) =:= "".

%% Ends a node and answers with its exit status.
stop(#{port := Port, os_pid := Pid} = Node) ->
    kill(Node, "TERM"),
    receive
        {Port, {exit_status, Status}} ->
            ended(Pid),
            {ok, Said} = file:read_file(maps:get(log, Node)),
            [error({sanitizer, Said}) || Sign <- [<<"runtime error:">>, <<"Sanitizer">>], binary:match(Said, Sign) =/= nomatch],
            Status
    after 10000 ->
        kill(Node, "KILL"),
        error(did_not_leave)
    end.

wait(Condition) -> wait(Condition, 5000).
wait(Condition, Left) ->
    case Condition() of
        true -> ok;
        _ when Left =< 0 -> error(waited_in_vain);
        _ -> timer:sleep(20), wait(Condition, Left - 20)
    end.

flush() -> receive Message -> [Message | flush()] after 100 -> [] end.

%% Whether a node's log has this text.
said(#{log := Log}, Text) ->
    {ok, Said} = file:read_file(Log),
    binary:match(Said, list_to_binary(Text)) =/= nomatch.

%% The metrics page of a node started with --metrics metrics_port().
metrics_port() -> 28000 + list_to_integer(os:getpid()) rem 1000.

http(Request) ->
    {ok, S} = gen_tcp:connect({127, 0, 0, 1}, metrics_port(), [binary, {active, false}]),
    ok = gen_tcp:send(S, Request),
    Read = fun Read(Got) -> case gen_tcp:recv(S, 0, 5000) of {ok, More} -> Read([Got, More]); {error, closed} -> Got end end,
    iolist_to_binary(Read([])).

%% Runs `Eval' in a BEAM of its own, with these arguments; what it printed.
beam(Args, Eval) ->
    os:cmd(lists:flatten(lists:join(" ", ["erl -noinput -hidden -kernel logger_level emergency -setcookie",
                                          atom_to_list(erlang:get_cookie()), "-pa", filename:dirname(code:which(?MODULE)) | Args]
                                    ++ ["-eval", ["\"", string:replace(Eval, "\"", "\\\"", all), ", halt().\""]]))).
beam_name() -> ["-name", atom_to_list(name(child))].
