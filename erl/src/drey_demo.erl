%% @doc The demo's story: a coordinator and two nodes on two machines, one posterior. It is ordinary use of
%% {@link drey}; demo/run makes the machines and starts this module with what it needs to know in DREY_DEMO_*
%% variables of the environment.
-module(drey_demo).

-export([main/0, stranger/0]).
-export([normal/0, eight_schools/0]).

%% @doc A standard normal: the smallest model there is.
-spec normal() -> drey:model().
normal() ->
    #{parameters => [{x, real}], model => [{'~', x, {normal, 0, 1}}]}.

%% @doc Eight schools, non-centred (Rubin 1981; Gelman et al., Bayesian Data Analysis, section 5.5).
-spec eight_schools() -> drey:model().
eight_schools() ->
    #{data => #{y => [28, 8, -3, 7, -1, 1, 18, 12], sigma => [15, 10, 16, 11, 9, 11, 10, 18]},
      parameters => [{mu, real}, {tau, real, [{lower, 0}]}, {eta, {vector, 8}}],
      transformed => [{theta, {'+', mu, {'*', tau, eta}}}],
      model => [{'~', mu, {normal, 0, 5}}, {'~', tau, {half_cauchy, 5}}, {'~', eta, {normal, 0, 1}},
                {'~', y, {normal, theta, sigma}}]}.

%% @doc Tells the whole story and ends the VM: status 0 when all of it came true.
-spec main() -> no_return().
main() ->
    _ = io:setopts([{encoding, unicode}]),
    Status = try
                 story(),
                 0
             catch
                 throw:{failed, Why} -> say("~n  failed: ~ts", [Why]), 1;
                 Class:Reason:Stack -> say("~n  failed: ~0tp~n  ~0tp", [{Class, Reason}, Stack]), 1
             end,
    halt(Status).

%% @doc A node with the wrong cookie: what it gets, it leaves in a file for the story.
-spec stranger() -> no_return().
stranger() ->
    [Node | _] = nodes_of("DREY_DEMO_NODES"),
    Connected = net_kernel:connect_node(Node),
    Answer = drey:info(Node),
    ok = file:write_file(run_file("stranger"), io_lib:format("~0p.~n", [{Connected, Answer}])),
    halt(0).

story() ->
    Start = now_ms(),
    Nodes = nodes_of("DREY_DEMO_NODES"),
    title("Drey: one posterior from two machines"),
    say("  ~ts", [os:getenv("DREY_DEMO_NETWORK", "")]),
    connect(Nodes),
    two_at_once(Nodes),
    {Opts, Draws} = one_posterior(Nodes),
    wrong_cookie(),
    third_node(Nodes, Opts, Draws),
    say("~n  ~.1f seconds in all", [(now_ms() - Start) / 1000]).

%% 1 -----------------------------------------------------------------------------------------------------

connect(Nodes) ->
    title("1. Connect"),
    say("  coordinator is ~ts", [node()]),
    [pong = net_adm:ping(N) || N <- Nodes],
    Infos = [ok_info(drey:info(N)) || N <- Nodes],
    table([{"node", left}, {"device", left}, {"type", left}, {"memory", right}, {"f64", left}, {"ports", left}],
          [[atom_to_list(N), text(name, D), text(type, D), gib(D), text(f64, D), ports(N)]
           || {N, #{devices := [D | _]}} <- lists:zip(Nodes, Infos)]).

%% What the host's firewall lets the coordinator see.
ports(Node) ->
    [_, Host] = string:split(atom_to_list(Node), "@"),
    {ok, Address} = inet:parse_address(Host),
    Epmd = list_to_integer(os:getenv("ERL_EPMD_PORT", "4369")),
    lists:join(", ", [io_lib:format("~b ~ts", [P, port_state(Address, P)]) || P <- [Epmd, 9100, 9300]]).

port_state(Address, Port) ->
    case gen_tcp:connect(Address, Port, [], 300) of
        {ok, Socket} -> gen_tcp:close(Socket), "open";
        {error, timeout} -> "blocked";
        {error, _} -> "closed"
    end.

%% 2 -----------------------------------------------------------------------------------------------------

two_at_once(Nodes) ->
    title("2. Normal(0, 1) on both at once: 4 chains each, 200 warm-up, 200 draws"),
    Opts = #{chains => 4, warmup => 200, draws => 200, seed => 1},
    Start = now_ms(),
    Requests = [{N, drey:sample_async(N, normal(), Opts#{first_chain => First})}
                || {N, First} <- lists:zip(Nodes, lists:seq(0, 4 * (length(Nodes) - 1), 4))],
    Answers = [{N, ok(drey:await(R)), now_ms() - Start} || {N, R} <- Requests],
    Wall = now_ms() - Start,
    Count = fun(#{draws := #{x := {_, [C, D | _], _}}}) -> C * D end,
    Results = [R || {_, R, _} <- Answers],
    table([{"node", left}, {"device", left}, {"compile ms", right}, {"warm-up ms", right}, {"sampling ms", right},
           {"draws", right}],
          [[atom_to_list(N), device(R), ms(compile_ms, R), ms(warmup_ms, R), ms(sampling_ms, R),
            integer_to_list(Count(R))] || {N, R, _} <- Answers]),
    Draws = ok(drey:combine(Results)),
    say("~n  ~b draws from both in ~b ms, the network included; combined:~n", [lists:sum([Count(R) || R <- Results]), Wall]),
    indented(drey_table:summary(ok(drey:summary(hd(Nodes), Draws)))).

%% 3 -----------------------------------------------------------------------------------------------------

one_posterior(Nodes) ->
    title("3. Eight schools, non-centred: 64 chains split over both, 500 draws each"),
    Opts = #{chains => 64, draws => 500, warmup => 500, seed => 2, target_accept => 0.9, outputs => [mu, tau, theta]},
    Start = now_ms(),
    #{tuning := Tuning} = Result = ok(drey:sample(eight_schools(), Opts#{nodes => Nodes})),
    Wall = now_ms() - Start,
    indented(drey_table:summary(maps:get(summary, Result))),
    say("", []),
    table([{"node", left}, {"chains", left}, {"compile ms", right}, {"sampling ms", right}, {"draws/s", right}],
          [[atom_to_list(N), io_lib:format("~b to ~b", [First, First + Count - 1]), ms(compile_ms, P), ms(sampling_ms, P),
            rate(Count * 500, P)]
           || #{node := N, first_chain := First, chains := Count} = P <- maps:get(nodes, Result)]),
    say("~n  warmed up once, on ~ts~ts: ~ts ms with its compile", [hd(Nodes), spent(Tuning), ms(warmup_ms, Result)]),
    say("  its tuning went to both; ~b ms from call to summary, the network included", [Wall]),
    warnings(Result),
    #{draws := Draws} = Result,
    Alone = ok(drey:sample(hd(Nodes), eight_schools(), Opts#{tuning => Tuning})),
    same(Draws, maps:get(draws, Alone), "all 64 chains on one node give"),
    {Opts#{tuning => Tuning}, Draws}.

spent(#{transitions := Transitions, step_size := Step, precision := Precision}) ->
    io_lib:format(", in ~b transitions a chain (step size ~.2f, ~ts)", [Transitions, Step, Precision]);
spent(_) -> "".

%% 4 -----------------------------------------------------------------------------------------------------

wrong_cookie() ->
    title("4. A stranger with another cookie"),
    ask("stranger"),
    case file:consult(run_file("stranger")) of
        {ok, [{false, {error, #{reason := noconnection, message := Message}}}]} ->
            say("  connect_node -> false~n  drey:info    -> {error, #{reason => noconnection}}:~n~ts",
                [wrap(Message)]);
        Other ->
            fail("it was not refused: ~0tp", [Other])
    end,
    [Node | _] = nodes_of("DREY_DEMO_NODES"),
    pong = net_adm:ping(Node),
    say("  ~ts still answers us: pong", [Node]).

%% 5 -----------------------------------------------------------------------------------------------------

third_node(Nodes, Opts, Draws) ->
    title("5. A third machine joins: the same call with one more name"),
    [Late] = nodes_of("DREY_DEMO_LATE"),
    ask("late"),
    #{draws := Again} = Result = ok(drey:sample(eight_schools(), Opts#{nodes => Nodes ++ [Late]})),
    table([{"node", left}, {"chains", left}, {"sampling ms", right}],
          [[atom_to_list(N), io_lib:format("~b to ~b", [First, First + Count - 1]), ms(sampling_ms, P)]
           || #{node := N, first_chain := First, chains := Count} = P <- maps:get(nodes, Result)]),
    same(Draws, Again, "three nodes give").

%% Help --------------------------------------------------------------------------------------------------

same(Draws, Draws, What) ->
    Bytes = lists:sum([byte_size(B) || {_, _, B} <- maps:values(Draws)]),
    say("  ~ts the same draws: ~.1f MB, byte for byte", [What, Bytes / 1.0e6]);
same(_, _, What) ->
    fail("~ts other draws", [What]).

ask(What) ->
    ok = file:write_file(run_file("ask." ++ What), <<>>),
    wait_for(run_file("done." ++ What), 600).

wait_for(File, 0) -> fail("~ts did not appear", [File]);
wait_for(File, N) ->
    case filelib:is_file(File) of
        true -> ok;
        false -> timer:sleep(50), wait_for(File, N - 1)
    end.

warnings(#{warnings := Warnings}) ->
    [say("  note: ~ts", [case W of #{message := M} -> M; _ when is_binary(W) -> W; _ -> io_lib:format("~0tp", [W]) end])
     || W <- Warnings];
warnings(_) -> [].

ok({ok, Value}) -> Value;
ok({error, Error}) -> fail("~ts", [drey_error:format(Error)]).

ok_info(#{devices := [_ | _]} = Info) -> Info;
ok_info({error, Error}) -> fail("~ts", [drey_error:format(Error)]);
ok_info(Other) -> fail("info has no device: ~0tp", [Other]).

-spec fail(io:format(), [term()]) -> no_return().
fail(Format, Args) -> throw({failed, io_lib:format(Format, Args)}).

text(Key, Map) ->
    case maps:get(Key, Map, "") of
        B when is_binary(B) -> B;
        A when is_atom(A) -> atom_to_list(A);
        X -> io_lib:format("~0tp", [X])
    end.

gib(#{memory_bytes := Bytes}) -> io_lib:format("~.1f GiB", [Bytes / (1 bsl 30)]);
gib(_) -> "".

device(#{device := #{name := Name}}) -> Name;
device(#{device := Name}) -> Name;
device(_) -> "".

ms(Key, #{timing := Timing}) ->
    case maps:get(Key, Timing, undefined) of
        X when is_number(X) -> io_lib:format("~.1f", [float(X)]);
        _ -> ""
    end.

rate(Draws, #{timing := #{sampling_ms := Ms}}) when Ms > 0 -> integer_to_list(round(Draws / Ms * 1000));
rate(_, _) -> "".

title(Text) ->
    {Bold, Plain} = case os:getenv("DREY_DEMO_COLOUR") of "1" -> {"\e[1m", "\e[0m"}; _ -> {"", ""} end,
    say("~n~ts~ts~ts~n", [Bold, Text, Plain]).

table(Header, Rows) -> indented(drey_table:format(Header, Rows)).

indented(Text) ->
    Lines = string:split(unicode:characters_to_list(Text), "\n", all),
    io:put_chars([["  ", L, "\n"] || L <- Lines, L =/= ""]).

%% Indented, and broken at 96 columns.
wrap(Text) ->
    lists:join("\n", wrap(string:lexemes(unicode:characters_to_list(Text), " "), "     ", [])).
wrap([], Line, Done) -> lists:reverse([Line | Done]);
wrap([Word | Words], Line, Done) ->
    case length(Line) + length(Word) > 95 of
        true -> wrap([Word | Words], "     ", [Line | Done]);
        false -> wrap(Words, Line ++ " " ++ Word, Done)
    end.

say(Format, Args) -> io:format(Format ++ "~n", Args).

nodes_of(Variable) -> [list_to_atom(N) || N <- string:lexemes(os:getenv(Variable, ""), " ")].

run_file(Name) -> filename:join(os:getenv("DREY_DEMO_RUN", "."), Name).

now_ms() -> erlang:monotonic_time(millisecond).
