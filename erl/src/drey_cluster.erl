%% @doc One run on several nodes: warm up once, hand the tuning to all, split the chains, join the draws.
%%
%% A chain's draws depend on the model, the seed, its global number and the tuning, not on who ran it. So the
%% result is that of one node running all chains, whatever the nodes, and the chains of a node that was lost are
%% simply run again by another. The work is cut in chunks of chains: a node that is done takes the next, as large as
%% its measured rate lets it.
%%
%% With the option `stop' the run goes in rounds, from one of the draw numbers at which a run is looked at to the
%% next: each chunk goes on from the checkpoint of its last round, on whatever node, and this process decides on the
%% draws of all chains. So the run ends at the same draw as on one node.
-module(drey_cluster).

-export([nodes_option/1, sample/3, chunks/2, share/3, marks/1]).

-define(LANES, 64).  % of a node that does not say
-define(CAP, 10000).  % draws, where `stop' ends the run
-define(SHOWN, 100).  % divergences in a result
-define(PARTS, 4).  % chunks that a node comes to, about, where chains are many

-type chunk() :: {First :: non_neg_integer(), Count :: pos_integer()}.
-record(run, {model :: drey:model(),
              opts :: map(),
              lanes :: #{node() => pos_integer()},
              chains :: pos_integer()}).
%% A chunk that is done, of one round or of the whole run.
-record(part, {chunk :: chunk(), node :: node(), result :: map()}).

%% @doc Takes the option `nodes' out of the options, which come back as a map when it was there.
-spec nodes_option(drey:opts()) -> {[node()], drey:opts()}.
nodes_option(#{nodes := Nodes} = Opts) -> {Nodes, maps:remove(nodes, Opts)};
nodes_option(Opts) when is_list(Opts) ->
    case as_map(Opts) of
        #{nodes := _} = Map -> nodes_option(Map);
        _ -> {[], Opts}  % what is no property list, the engine refuses with a better message
    end;
nodes_option(Opts) -> {[], Opts}.

%% @doc As drey:sample/2, on `Nodes'. The result has one key more, `nodes': who ran which chains, on what
%% device, in what time.
-spec sample([node()], drey:model(), drey:opts()) -> drey:answer(drey:result()).
sample(Nodes, Model, Opts0) ->
    case as_map(Opts0) of
        #{} = Given ->
            case check(Nodes, Given) of
                ok -> start(Nodes, Model, maps:merge(#{seed => fresh_seed(), first_chain => 0}, Given));
                {error, _} = Error -> Error
            end;
        error ->
            drey_error:new(bad_option, "options are a map or a property list; found ~0tP", [Opts0, 12])
    end.

check(Nodes, Opts) ->
    Counts = [{chains, 1}, {first_chain, 0}, {draws, 1}],
    Wrong = [{Name, Least, Value} || {Name, Least} <- Counts, {ok, Value} <- [maps:find(Name, Opts)],
                                     not (is_integer(Value) andalso Value >= Least)],
    One = [Name || Name <- [resume, checkpoint, checkpoint_every_ms, credit], is_map_key(Name, Opts)],
    case {are_nodes(Nodes), Wrong, One, Opts} of
        {false, _, _, _} ->
            drey_error:new(bad_option, "nodes is a list of at least one node name; found ~0tP", [Nodes, 12]);
        {true, [{Name, Least, Value} | _], _, _} ->
            drey_error:new(bad_option, "~ts is an integer from ~b; found ~0tP", [Name, Least, Value, 8]);
        {true, [], [Name | _], _} ->
            drey_error:new(bad_option, "~ts is for a run on one node: leave it out, or leave nodes out; a run on several "
                                       "survives the loss of a node without it", [Name]);
        {true, [], [], #{stop := _, keep := Keep}} when Keep =/= all ->
            drey_error:new(bad_option, "stop looks at all draws, which keep => ~0tp does not hold; leave one of both out",
                           [Keep]);
        {true, [], [], _} ->
            ok
    end.

are_nodes([Node]) -> is_atom(Node);
are_nodes([Node | Nodes]) -> is_atom(Node) andalso are_nodes(Nodes);
are_nodes(_) -> false.

as_map(Opts) when is_map(Opts) -> Opts;
as_map(Opts) ->
    try maps:from_list(lists:reverse(proplists:unfold(Opts)))  % the first of a property list counts
    catch error:_ -> error
    end.

%% Each node says how many chains keep it busy; where nobody names a number, it is that of all of them together.
start(Nodes, Model, Opts) ->
    Lanes = lanes(lists:usort(Nodes)),
    Chains = maps:get(chains, Opts, lists:sum([maps:get(N, Lanes, ?LANES) || N <- lists:usort(Nodes)])),
    warm(Nodes, #run{model = Model, opts = Opts#{chains => Chains}, lanes = Lanes, chains = Chains}).

lanes(Nodes) ->
    Answers = erpc:multicall(Nodes, drey, info, [], 10000),
    maps:from_list([{Node, Chains} || {Node, {ok, #{chains := Chains}}} <- lists:zip(Nodes, Answers),
                                      is_integer(Chains), Chains > 0]).

warm(Nodes, #run{opts = #{tuning := _}} = Run) ->
    sample_with_tuning(Nodes, Run, 0);
warm([Node | Others], #run{model = Model, opts = Opts} = Run) ->
    WarmOpts = maps:without([stop, nodes], Opts),
    Start = erlang:monotonic_time(millisecond),
    case drey:warmup(Node, Model, WarmOpts) of
        {ok, Tuning} ->
            sample_with_tuning([Node | Others], Run#run{opts = Opts#{tuning => Tuning}},
                               erlang:monotonic_time(millisecond) - Start);
        {error, #{reason := noconnection}} when Others =/= [] ->
            warm(Others, Run);
        {error, _} = Error ->
            Error
    end.

sample_with_tuning(Nodes, #run{opts = #{stop := Rule}} = Run, WarmupMs) ->
    case drey_stop:read(Rule) of
        {ok, Stop} -> in_rounds(Nodes, Run, Stop, WarmupMs);
        {error, _} = Error -> Error
    end;
sample_with_tuning(Nodes, #run{opts = Opts} = Run, WarmupMs) ->
    ToDo = to_do(Run, length(Nodes)),
    %% The summary is of all chains together, made when they are.
    Call = fun({First, Count}) -> {sample, Opts#{chains => Count, first_chain => first(Opts) + First, summary => false}} end,
    case work(ToDo, Nodes, Call, Run) of
        {ok, Parts} -> join(Parts, [P#part.result || P <- Parts], Run, Nodes, #{}, WarmupMs);
        {error, _} = Error -> Error
    end.

first(#{first_chain := First}) -> First.

%% Rounds ------------------------------------------------------------------------------------------------

%% @doc The draws at which a run with the option `stop' is looked at; as an engine does it.
-spec marks(pos_integer()) -> [pos_integer()].
marks(Cap) -> marks(50, Cap).

marks(Mark, Cap) when Mark < Cap -> [Mark | marks((Mark + Mark div 4 + 1) div 2 * 2, Cap)];
marks(_, Cap) -> [Cap].

in_rounds(Nodes, #run{model = Model, opts = Opts0} = Run, Stop, WarmupMs) ->
    case parameters(Nodes, Model) of
        {ok, Names} ->
            Cap = maps:get(draws, Opts0, ?CAP),
            %% What is looked at must be there, whether or not it is returned.
            Returned = maps:get(outputs, Opts0, all),
            Opts1 = maps:without([stop, draws], Opts0),
            Opts = case Returned of
                       all -> Opts1;
                       _ when is_list(Returned) -> Opts1#{outputs => Returned ++ (Names -- Returned)};
                       _ -> Opts1
                   end,
            Chunks = [{Chunk, none} || Chunk <- chunks(Run#run.chains, length(Nodes))],
            round(marks(Cap), Chunks, #{}, Nodes, Run#run{opts = Opts}, {Stop, Names, Returned}, WarmupMs);
        {error, _} = Error ->
            Error
    end.

parameters(Nodes, Model) ->
    case ask(Nodes, Model) of
        {ok, #{parameters := Parameters}} -> {ok, [Name || #{name := Name} <- Parameters]};
        {error, _} = Error -> Error
    end.

ask([Node | Others], Model) ->
    case drey:check(Node, Model) of
        {error, #{reason := noconnection}} when Others =/= [] -> ask(Others, Model);
        Answer -> Answer
    end.

%% `Done' is, for each chunk, its results of the rounds so far, the last one first.
round([Mark | Marks], Chunks, Done, Nodes, #run{opts = Opts} = Run, {Stop, Names, Returned} = Rule, WarmupMs) ->
    Call = fun({_, Checkpoint}) when is_binary(Checkpoint) ->
                   Keys = [budget, deadline_ms, device, stream_to, stream, window, outputs],
                   {sample, (maps:with(Keys, Opts))#{resume => Checkpoint, draws => Mark, checkpoint => true, summary => false}};
              ({{First, Count}, none}) ->
                   {sample, Opts#{chains => Count, first_chain => first(Opts) + First, draws => Mark, keep => new,
                                  checkpoint => true, summary => false}}
           end,
    case work({list, Chunks}, Nodes, Call, Run) of
        {error, _} = Error ->
            Error;
        {ok, Parts} ->
            Next = [{Chunk, Bin} || #part{chunk = {Chunk, _}, result = #{checkpoint := Bin}} <- Parts],
            Now = lists:foldl(fun(#part{chunk = {Chunk, _}} = P, Acc) ->
                                      maps:update_with(Chunk, fun(Ps) -> [P | Ps] end, [P], Acc)
                              end, Done, Parts),
            Results = [appended(maps:get(Chunk, Now)) || {Chunk, _} <- Next],
            case look(Results, Names, Nodes) of
                {ok, Worst} ->
                    Reached = drey_stop:reached(Stop, Worst),
                    if
                        Reached orelse Marks =:= [] ->
                            Flat = lists:append([lists:reverse(maps:get(Chunk, Now)) || {Chunk, _} <- Next]),
                            Said = #{stop => Worst#{reached => Reached, draws => Mark}},
                            Missed = [drey_stop:warning(Stop, Mark, Worst) || not Reached],
                            join([P#part{chunk = Chunk} || #part{chunk = {Chunk, _}} = P <- Flat],
                                 [only(Returned, R) || R <- Results], Run, Nodes, Said#{warnings => Missed}, WarmupMs);
                        true ->
                            round(Marks, Next, Now, Nodes, Run, Rule, WarmupMs)
                    end;
                {error, _} = Error ->
                    Error
            end
    end.

%% The rounds of one chunk as one result: draws and stats one after another, the rest as the last round says it, which
%% counts from the beginning.
appended([#part{result = Last} | _] = Parts) ->
    Results = [R || #part{result = R} <- lists:reverse(Parts)],
    {ok, Draws} = drey_draws:append([maps:get(draws, R) || R <- Results]),
    {ok, Stats} = drey_draws:append([maps:get(stats, R) || R <- Results]),
    Energy = maps:get(energy, Stats),
    Diagnostics = maps:get(diagnostics, Last),
    Last#{draws => Draws, stats => Stats, diagnostics => Diagnostics#{ebfmi => drey_draws:ebfmi(Energy)}}.

only(all, Result) -> Result;
only(Names, #{draws := Draws} = Result) -> Result#{draws => maps:with(Names, Draws)}.

look(Results, Names, Nodes) ->
    case drey_draws:combine([maps:with(Names, maps:get(draws, R)) || R <- Results]) of
        {ok, Draws} ->
            case summary(Nodes, Draws) of
                {ok, Rows} -> {ok, drey_stop:worst(Rows)};
                {error, _} = Error -> Error
            end;
        {error, _} = Error ->
            Error
    end.

%% Chunks ------------------------------------------------------------------------------------------------

%% @doc The chunks of a run of few chains on `N' nodes, as {first, count}: as even as can be, none empty.
-spec chunks(non_neg_integer(), pos_integer()) -> [chunk()].
chunks(Chains, N) ->
    Bound = fun(I) -> I * Chains div N end,
    [{Bound(I), Bound(I + 1) - Bound(I)} || I <- lists:seq(0, N - 1), Bound(I + 1) > Bound(I)].

%% Few chains are cut once, many as nodes ask for them.
to_do(#run{chains = Chains, lanes = Lanes}, N) ->
    Full = lists:max([?LANES | maps:values(Lanes)]),
    if
        Chains < 2 * N * Full -> {list, chunks(Chains, N)};
        true -> {rest, 0, []}
    end.

%% @doc The chains that a node is given next, of `Left': its share by measured rate of half of what is left, so that all
%% are done at about the same time; but never fewer than its lanes, and all where little is left.
-spec share(pos_integer(), pos_integer(), float()) -> pos_integer().
share(Left, Lanes, Fraction) ->
    case max(Lanes, round(Left * Fraction / 2) div Lanes * Lanes) of
        Chains when Left - Chains < Lanes -> Left;
        Chains -> Chains
    end.

%% The next chunk for a node, and what is then to do. Chunks of lost nodes come first.
next({list, [Chunk | Chunks]}, _, _, _) ->
    {Chunk, {list, Chunks}};
next({rest, First, [Chunk | Lost]}, _, _, _) ->
    {Chunk, {rest, First, Lost}};
next({rest, First, []}, Node, Rates, #run{chains = Chains, lanes = Lanes}) when First < Chains ->
    N = maps:size(Rates),
    Count = case Rates of
                #{Node := Rate} when Rate > 0 ->
                    %% Nodes that were not measured yet count as the average of those that were.
                    Known = [R || R <- maps:values(Rates), R > 0],
                    share(Chains - First, lane(Node, Lanes), Rate / (lists:sum(Known) / length(Known) * N));
                _ ->
                    share(Chains - First, lane(Node, Lanes), 2 / (?PARTS * N))
            end,
    {{First, Count}, {rest, First + Count, []}};
next(_, _, _, _) ->
    none.

lane(Node, Lanes) -> maps:get(Node, Lanes, ?LANES).

again(Chunk, {list, Chunks}) -> {list, [Chunk | Chunks]};
again(Chunk, {rest, First, Lost}) -> {rest, First, [Chunk | Lost]}.

%% Hands chunks to idle nodes until there are none of either, then waits for an answer. A node that is lost is left
%% out; its chunk goes back. The parts come back in the order of their chunks.
work(ToDo, Nodes, Call, Run) ->
    Rates = maps:from_list([{Node, 0} || Node <- Nodes]),
    work(ToDo, Nodes, erpc:reqids_new(), Call, Rates, Run, []).

work(ToDo, [Node | Idle] = Nodes, Requests, Call, Rates, Run, Parts) ->
    case next(ToDo, Node, Rates, Run) of
        {Chunk, Rest} ->
            {Function, Opts} = Call(Chunk),
            Sent = erpc:send_request(Node, drey, Function, [Run#run.model, Opts], {Node, Chunk}, Requests),
            work(Rest, Idle, Sent, Call, Rates, Run, Parts);
        none ->
            await(ToDo, Nodes, Requests, Call, Rates, Run, Parts)
    end;
work(ToDo, [], Requests, Call, Rates, Run, Parts) ->
    await(ToDo, [], Requests, Call, Rates, Run, Parts).

await(ToDo, Idle, Requests, Call, Rates, Run, Parts) ->
    try erpc:receive_response(Requests, infinity, true) of
        no_request ->
            case next(ToDo, node(), Rates, Run) of
                none -> {ok, lists:keysort(#part.chunk, Parts)};
                _ -> drey_error:new(noconnection, "all nodes of the run were lost before it was done")
            end;
        {{ok, Result}, {Node, Chunk}, Rest} ->
            Measured = Rates#{Node => rate(Chunk, Result)},
            work(ToDo, Idle ++ [Node], Rest, Call, Measured, Run,
                 [#part{chunk = Chunk, node = Node, result = Result} | Parts]);
        {{error, _} = Error, _, Rest} ->
            give_up(Rest),
            Error
    catch
        Class:{Reason, {Node, Chunk}, Rest} ->
            case drey_error:from_exception(Node, {sample, 2}, Class, Reason) of
                {error, #{reason := noconnection}} ->
                    work(again(Chunk, ToDo), Idle, Rest, Call, maps:remove(Node, Rates), Run, Parts);
                Error ->
                    give_up(Rest),
                    Error
            end
    end.

%% Chains a millisecond.
rate({_, Count}, #{timing := #{sampling_ms := Sampling, outputs_ms := Outputs}}) when is_integer(Count) ->
    Count / max(0.001, Sampling + Outputs);
rate(_, _) ->
    0.

%% The callers of what still runs are gone with their requests, and so the nodes cancel it.
give_up(Requests) ->
    lists:foreach(fun({Id, _}) ->
                          try erpc:receive_response(Id, 0) of _ -> ok catch _:_ -> ok end
                  end, erpc:reqids_to_list(Requests)).

%% Joining -----------------------------------------------------------------------------------------------

%% `Parts' say who ran what, `Results' are of the chunks, in the order of their chains.
join(Parts, Results, #run{opts = #{tuning := Tuning} = Opts} = Run, Nodes, Said, WarmupMs) ->
    case drey_draws:combine([maps:get(draws, R) || R <- Results]) of
        {ok, Draws} ->
            case rows(Run, [N || #part{node = N} <- Parts] ++ Nodes, Draws) of
                {ok, Rows} ->
                    Stats = stats([maps:get(stats, R, #{}) || R <- Results]),
                    Diagnostics = diagnostics([D || #{diagnostics := D} <- Results]),
                    Warnings = drey_warnings:join([maps:get(warnings, R, []) || R <- Results], Stats)
                        ++ drey_warnings:of_energy(maps:get(ebfmi, Diagnostics, none))
                        ++ drey_warnings:of_rows(Rows, maps:get(chains, Opts)) ++ maps:get(warnings, Said, []),
                    Joined = #{draws => Draws,
                               stats => Stats,
                               summary => Rows,
                               tuning => Tuning,
                               divergences => divergences([D || #{divergences := D} <- Results]),
                               diagnostics => Diagnostics,
                               timing => timing(Parts, WarmupMs),
                               device => iolist_to_binary(lists:join(<<", ">>, lists:usort([maps:get(device, R, <<>>) || R <- Results]))),
                               seed => maps:get(seed, Opts),
                               first_chain => maps:get(first_chain, Opts),
                               first_draw => 0,
                               gradients => lists:sum([maps:get(gradients, R, 0) || R <- Results]),
                               nodes => [part(P) || P <- Parts]},
                    {ok, maps:merge(Joined, Said#{warnings => Warnings})};
                {error, _} = Error -> Error
            end;
        {error, _} = Error ->
            Error
    end.

rows(#run{opts = #{summary := false}}, _, _) ->
    {ok, []};
rows(_, _, Draws) when map_size(Draws) =:= 0 ->
    {ok, []};
rows(#run{model = Model}, Nodes, Draws) ->
    case {summary(Nodes, Draws), ask(Nodes, Model)} of
        {{ok, Rows}, {ok, #{outputs := Outputs}}} -> {ok, ordered(Rows, [Name || #{name := Name} <- Outputs])};
        {Answer, _} -> Answer
    end.

%% A map of draws has forgotten the model's order.
ordered(Rows, Names) ->
    Of = fun(Name) ->
                 Text = atom_to_binary(Name),
                 [R || #{name := Full} = R <- Rows, hd(binary:split(Full, <<"[">>)) =:= Text]
         end,
    lists:append([Of(Name) || Name <- Names]).

summary([Node | Others], Draws) ->
    case drey:summary(Node, Draws) of
        {error, #{reason := noconnection}} when Others =/= [] -> summary(Others, Draws);
        Answer -> Answer
    end.

stats(All) ->
    case drey_draws:combine(All) of
        {ok, Stats} -> Stats;
        {error, _} -> #{}
    end.

%% Of several chunks' first divergences, the first by draw and chain.
divergences([]) ->
    #{};
divergences(All) ->
    [Chains, Draws, Errors] = [drey_draws:stack([maps:get(Key, D) || D <- All]) || Key <- [chain, draw, energy_error]],
    Positions = [P || #{position := P} <- All],
    Position = maps:map(fun(Name, _) -> drey_draws:stack([maps:get(Name, P) || P <- Positions]) end, hd(Positions)),
    {_, [K], _} = Chains,
    Numbers = lists:zip3(drey_draws:to_floats(Draws), drey_draws:to_floats(Chains), lists:seq(0, K - 1)),
    Order = [I || {_, _, I} <- lists:sublist(lists:sort(Numbers), ?SHOWN)],
    Take = fun(Array) -> drey_draws:take(Order, Array) end,
    #{count => lists:sum([N || #{count := N} <- All]), chain => Take(Chains), draw => Take(Draws),
      energy_error => Take(Errors), position => maps:map(fun(_, A) -> Take(A) end, Position)}.

diagnostics([]) -> #{};
diagnostics([#{rhat := Kind} | _] = All) ->
    Ebfmi = iolist_to_binary([Bin || #{ebfmi := {f64, _, Bin}} <- All]),
    Array = {f64, [byte_size(Ebfmi) div 8], Ebfmi},
    Least = case [X || X <- drey_draws:to_floats(Array), is_float(X)] of
                [] -> <<"nan">>;
                Xs -> lists:min(Xs)
            end,
    #{divergent => lists:sum([N || #{divergent := N} <- All]),
      depth_hits => lists:sum([N || #{depth_hits := N} <- All]),
      ebfmi => Array, ebfmi_min => Least, rhat => Kind}.

%% A node's chunks run one after another, the nodes side by side: the slowest one is the time that passed. What the lanes
%% did is of all nodes together.
timing(Parts, WarmupMs) ->
    ByNode = lists:foldl(fun(#part{node = Node, result = #{timing := T}}, Acc) ->
                                 maps:update_with(Node, fun(Sum) -> merge(fun erlang:'+'/2, Sum, T) end, T, Acc);
                            (_, Acc) -> Acc
                         end, #{}, Parts),
    Slowest = lists:foldl(fun(T, Acc) -> merge(fun erlang:max/2, T, Acc) end, #{}, maps:values(ByNode)),
    Slowest#{warmup_ms => max(WarmupMs, maps:get(warmup_ms, Slowest, 0)), live_share => live_share(Parts)}.

live_share(Parts) ->
    Work = [{N, N / Share} || #part{result = #{gradients := N, timing := #{live_share := Share}}} <- Parts, Share > 0],
    {Used, Room} = lists:unzip(Work),
    case lists:sum(Room) of
        All when All > 0 -> lists:sum(Used) / All;
        _ -> 1.0
    end.

merge(Fun, A, B) ->
    maps:merge_with(fun(_, X, Y) -> Fun(X, Y) end, A, B).

part(#part{chunk = {First, Count}, node = Node, result = Result}) ->
    #{node => Node, first_chain => First, chains => Count, device => maps:get(device, Result, <<>>),
      timing => maps:get(timing, Result, #{})}.

fresh_seed() ->
    rand:uniform(1 bsl 32) - 1.
