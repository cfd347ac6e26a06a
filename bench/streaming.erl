%% The same run without and with a subscriber, in turn, so that whatever else the machine does falls on both. The cost is
%% in processor time of the node, all its threads, warm-up and compile excluded; of the rounds the least counts, which other programs disturbed least.
-module(streaming).

-export([main/2]).

main(Node, RoundsText) ->
    Rounds = list_to_integer(atom_to_list(RoundsText)),
    Model = drey_demo:eight_schools(),
    Base = #{chains => 64, draws => 2000, thin => 10, seed => 1, summary => false},
    {ok, Tuning} = drey:warmup(Node, Model, Base),
    Opts = Base#{tuning => Tuning},
    Stream = Opts#{stream_to => self()},
    Cases = [{"nobody listens", Opts},
             {"progress", Stream#{stream => progress}},
             {"20 windows of draws and progress", Stream},
             {"200 windows of draws", Stream#{stream => draws, window => 10}},
             {"windows only, none kept", Stream#{stream => draws, keep => none}},
             {"a checkpoint every 100 ms", Stream#{stream => progress, checkpoint_every_ms => 100}}],
    [run(Node, Model, Case) || Case <- Cases],
    Times = [[run(Node, Model, Case) || Case <- Cases] || _ <- lists:seq(1, Rounds)],
    io:format("eight schools, 64 chains of 2000 draws, thin 10; least of ~b rounds~n~n~-34s ~12s ~8s ~10s~n",
              [Rounds, "", "processor ms", "ratio", "messages"]),
    [{Alone, _} | _] = Least = [least([lists:nth(I, Round) || Round <- Times]) || I <- lists:seq(1, length(Cases))],
    [io:format("~-34s ~12.1f ~8.3f ~10b~n", [Name, Ms, Ms / Alone, Messages])
     || {{Name, _}, {Ms, Messages}} <- lists:zip(Cases, Least)],
    halt().

run(Node, Model, {_, Opts}) ->
    Before = processor_ms(),
    {ok, _} = drey:sample(Node, Model, Opts),
    Messages = drain(0),
    {processor_ms() - Before, Messages}.

%% As the kernel's scheduler counts it for each thread, in nanoseconds; a run begins and ends no thread of the node.
processor_ms() ->
    Tasks = "/proc/" ++ os:getenv("DREY_PID") ++ "/task/",
    {ok, Names} = file:list_dir(Tasks),
    lists:sum([ns(file:read_file(Tasks ++ Name ++ "/schedstat")) || Name <- Names]) / 1.0e6.

ns({ok, Text}) ->
    [Ran | _] = binary:split(Text, <<" ">>),
    binary_to_integer(Ran);
ns({error, _}) -> 0.

drain(N) -> receive {drey, _, _} -> drain(N + 1) after 0 -> N end.

least(Runs) ->
    {Ms, Messages} = lists:min(Runs),
    {float(Ms), Messages}.
