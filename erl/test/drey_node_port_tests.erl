%% The keeping of an OS process, with programs that stand for drey_node.
-module(drey_node_port_tests).

-include_lib("eunit/include/eunit.hrl").

program(Lines) ->
    File = filename:join([os:getenv("TMPDIR", "/tmp"), lists:concat(["drey_node_port_", os:getpid(), "_",
                                                                     erlang:unique_integer([positive])])]),
    ok = file:write_file(File, ["#!/bin/sh\n" | [[L, "\n"] || L <- Lines]]),
    ok = file:change_mode(File, 8#700),
    File.

alive(OsPid) ->
    os:cmd("kill -0 " ++ OsPid ++ " 2>/dev/null && echo yes") =:= "yes\n".

eventually(Fun) -> eventually(Fun, 100).
eventually(_, 0) -> false;
eventually(Fun, N) -> Fun() orelse begin timer:sleep(50), eventually(Fun, N - 1) end.

%% The reports of processes that are meant to fail.
port_test_() ->
    {setup, fun() -> #{level := L} = logger:get_primary_config(), ok = logger:set_primary_config(level, none), L end,
     fun(L) -> logger:set_primary_config(level, L) end,
     [fun ready_then_stopped/0, fun a_killed_owner_takes_the_program_along/0,
      fun a_program_that_dies_ends_its_owner/0, fun failures_are_answers/0, fun a_supervisor_starts_it_anew/0]}.

ready_then_stopped() ->
    Pids = program([]) ++ ".pid",
    Exe = program(["echo $$ > " ++ Pids, "echo \"args $*\" >> " ++ Pids, "echo \"cookie $DREY_COOKIE\" >> " ++ Pids,
                   "echo 'drey_node ready name=x port=1 device=d'", "exec sleep 1000"]),
    {ok, Pid, 'n1@127.0.0.1'} = drey_node_port:start(#{name => 'n1@127.0.0.1', executable => Exe, cookie => secret,
                                                       dist_ports => {9100, 9110}}),
    {ok, Text} = file:read_file(Pids),
    [OsPid, Args, Cookie | _] = string:split(binary_to_list(Text), "\n", all),
    ?assertEqual("args --name n1@127.0.0.1 --dist-ports 9100-9110", Args),
    ?assertEqual("cookie secret", Cookie),
    ?assert(alive(OsPid)),
    ok = drey_node_port:stop(Pid),
    ?assert(eventually(fun() -> not alive(OsPid) end)),
    [file:delete(F) || F <- [Exe, Pids]].

a_killed_owner_takes_the_program_along() ->
    Pids = program([]) ++ ".pid",
    Exe = program(["echo $$ > " ++ Pids, "echo 'drey_node ready'", "exec sleep 1000"]),
    {ok, Pid, _} = drey_node_port:start(#{executable => Exe}),
    {ok, Text} = file:read_file(Pids),
    OsPid = string:trim(binary_to_list(Text)),
    exit(Pid, kill),
    ?assert(eventually(fun() -> not alive(OsPid) end)),
    [file:delete(F) || F <- [Exe, Pids]].

a_program_that_dies_ends_its_owner() ->
    Exe = program(["echo 'drey_node ready'", "exit 3"]),
    {ok, Pid, _} = drey_node_port:start(#{executable => Exe}),
    Ref = monitor(process, Pid),
    receive {'DOWN', Ref, process, _, Reason} -> ?assertMatch(R when R =:= {drey_node_exit, 3}; R =:= noproc, Reason)
    after 5000 -> error(still_there)
    end,
    file:delete(Exe).

failures_are_answers() ->
    Exe = program(["exit 2"]),
    Slow = program(["exec sleep 1000"]),
    [?assertMatch({error, #{reason := node_failed}}, drey_node_port:start(Opts))
     || Opts <- [#{executable => Exe}, #{executable => Slow, timeout => 100}, #{executable => "/nonexistent"}]],
    [file:delete(F) || F <- [Exe, Slow]].

a_supervisor_starts_it_anew() ->
    Exe = program(["echo 'drey_node ready'", "exec sleep 1000"]),
    {ok, Sup} = supervisor:start_link(drey_sup, []),
    {ok, Pid} = supervisor:start_child(Sup, drey:node_child_spec(#{name => 'n2@127.0.0.1', executable => Exe})),
    exit(Pid, kill),
    ?assert(eventually(fun() ->
                               [New] = [P || {{drey_node, _}, P, _, _} <- supervisor:which_children(Sup), is_pid(P)],
                               New =/= Pid
                       end)),
    unlink(Sup),
    MonitorRef = monitor(process, Sup),
    exit(Sup, shutdown),
    receive {'DOWN', MonitorRef, process, _, _} -> ok end,
    file:delete(Exe).
