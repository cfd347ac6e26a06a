%% Runs named cases one after another, says what each came to, and ends the VM: status 0 when all passed.
-module(beam_case).

-export([main/1, eventually/1]).

main(Cases) ->
    _ = io:setopts([{encoding, unicode}]),
    Results = [run(Name, Fun) || {Name, Fun} <- Cases],
    Failed = length([failed || failed <- Results]),
    io:format("~b passed, ~b failed~n", [length(Results) - Failed, Failed]),
    halt(min(Failed, 1)).

run(Name, Fun) ->
    {Pid, Ref} = spawn_monitor(fun() -> Fun(), exit(passed) end),
    receive
        {'DOWN', Ref, process, Pid, passed} ->
            io:format("ok      ~ts~n", [Name]),
            passed;
        {'DOWN', Ref, process, Pid, Reason} ->
            io:format("FAILED  ~ts~n        ~tP~n", [Name, Reason, 40]),
            failed
    after 120000 ->
        exit(Pid, kill),
        io:format("FAILED  ~ts~n        took longer than two minutes~n", [Name]),
        failed
    end.

%% True as soon as `Fun' is; false when it is not within ten seconds.
eventually(Fun) -> eventually(Fun, 200).
eventually(_, 0) -> false;
eventually(Fun, N) -> Fun() orelse begin timer:sleep(50), eventually(Fun, N - 1) end.
