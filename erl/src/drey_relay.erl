%% @doc What a run over several nodes tells the process named in `stream_to': the jobs of its chunks as one job.
%%
%% Each job of a chunk streams to an ear, a process that says which job a message is of, and the ears to one relay,
%% whose pid is the run's `Job'. Windows go on as they come, each draw of a chain once, also where a lost node's chunk is
%% run again; progress is of all chains; the checkpoints of the chunks are kept for whoever gathers them.
%%
%% Flow control: a job may be few windows ahead of the relay, which lets it send the next when one has gone on. Where the
%% caller gave a credit, windows wait here, and so their jobs, until {@link credit/2} allows more.
-module(drey_relay).

-export([start/2, chains/2, ear/3, options/0, forget/1, checkpoints/1, checkpoint/2, drain/2]).
-export([credit/2, cancel/1]).
-export([later/2]).

-define(AHEAD, 2).  % windows of a job that have not gone on

%% Draws that have gone on, of ranges of chains that do not overlap.
-type sent() :: [{First :: non_neg_integer(), Count :: pos_integer(), To :: non_neg_integer()}].
-record(job, {node :: node(), chunk :: drey_shares:chunk() | warm_up, ear :: pid(), id = unknown :: term(),
              done = none :: none | map(),  % the last progress of its sampling
              past = false :: boolean()}).  % of an earlier round
-record(state, {owner :: reference(),
                subscriber :: pid(),
                watch :: reference(),
                chains = 1 :: pos_integer(),
                credit :: unlimited | non_neg_integer(),
                given :: boolean(),  % whether the caller gave one
                held = queue:new() :: queue:queue({reference(), map()} | {checkpoint, binary()}),
                sent = [] :: sent(),
                jobs = #{} :: #{reference() => #job{}},
                checkpoints = #{} :: #{drey_shares:chunk() => binary()},
                cancelled = false :: boolean(),
                %% For whom all ears are asked for what they have, and how many of them have not answered.
                asked = #{} :: #{drain | {checkpoint, binary()} => non_neg_integer()},
                drains = none :: none | reference()}).

%% The coordinator's side ----------------------------------------------------------------------------------

%% @doc Ends with the calling process. `Credit' is the caller's.
-spec start(pid(), unlimited | pos_integer()) -> pid().
start(Subscriber, Credit) ->
    Owner = self(),
    spawn(fun() ->
                  loop(#state{owner = monitor(process, Owner), subscriber = Subscriber, watch = monitor(process, Subscriber),
                              credit = Credit, given = Credit =/= unlimited})
          end).

%% @doc How many chains the run has in all.
-spec chains(pid(), pos_integer()) -> ok.
chains(Relay, Chains) ->
    Relay ! {chains, Chains},
    ok.

%% @doc Where the job of a chunk on a node streams to.
-spec ear(pid(), node(), drey_shares:chunk() | warm_up) -> pid().
ear(Relay, Node, Chunk) ->
    Job = make_ref(),
    spawn(fun() ->
                  Relay ! {job, Job, #job{node = Node, chunk = Chunk, ear = self()}},
                  listen(monitor(process, Relay), Relay, Job)
          end).

listen(Monitor, Relay, Job) ->
    receive
        {drey, Id, Message} -> Relay ! {said, Job, Id, Message}, listen(Monitor, Relay, Job);
        {all, Relay, Why} -> Relay ! {all_said, Why}, listen(Monitor, Relay, Job);
        {'DOWN', Monitor, process, _, _} -> ok;
        _ -> listen(Monitor, Relay, Job)
    end.

%% @doc What such a job is asked besides.
-spec options() -> map().
options() -> #{credit => ?AHEAD}.

%% @doc A round ends, and with it what the checkpoints of its chunks are good for.
-spec forget(pid()) -> ok.
forget(Relay) ->
    Relay ! forget,
    ok.

%% @doc The last checkpoints that came, by chunk.
-spec checkpoints(pid()) -> #{drey_shares:chunk() => binary()}.
checkpoints(Relay) ->
    {ok, Checkpoints} = ask(Relay, checkpoints, infinity),
    Checkpoints.

%% @doc Sends one of the whole run, behind the windows of the draws that it stands for.
-spec checkpoint(pid(), binary()) -> ok.
checkpoint(Relay, Binary) ->
    Relay ! {whole, Binary},
    ok.

%% @doc Returns when all windows that have come have gone on, or after so many milliseconds, when they go whatever the
%% credit. The relay ends.
-spec drain(pid(), timeout()) -> ok.
drain(Relay, Timeout) ->
    case ask(Relay, drain, Timeout) of
        {ok, drained} -> ok;
        timeout -> _ = ask(Relay, flush, infinity), ok;  % gone where it was done after all
        gone -> ok
    end.

%% The subscriber's side -----------------------------------------------------------------------------------

%% @doc As drey:credit/2, for the job of a run over several nodes.
-spec credit(pid(), term()) -> ok | {error, drey_error:t()}.
credit(Job, Windows) when is_integer(Windows), Windows >= 1 -> answer(ask(Job, {credit, Windows}, 5000), Job);
credit(_, Windows) -> drey_error:new(wrong_type, "credit takes a job's id and a number of windows from 1; found ~0tP", [Windows, 8]).

%% @doc As drey:cancel/1: cancels the jobs of its chunks.
-spec cancel(pid()) -> ok | {error, drey_error:t()}.
cancel(Job) -> answer(ask(Job, cancel, 5000), Job).

answer({ok, Answer}, _) -> Answer;
answer(_, Job) -> drey_error:new(no_such_job, "there is no job ~0tp; it may have ended", [Job]).

ask(Relay, Question, Timeout) ->
    Ref = monitor(process, Relay, [{alias, reply_demonitor}]),
    Relay ! {Question, Ref},
    receive
        {Ref, Answer} -> {ok, Answer};
        {'DOWN', Ref, process, _, _} -> gone
    after Timeout ->
            demonitor(Ref, [flush]),  % and what it answers later is dropped
            receive {Ref, Answer} -> {ok, Answer} after 0 -> timeout end
    end.

%% The relay -----------------------------------------------------------------------------------------------

loop(#state{owner = Owner, watch = Watch, jobs = Jobs} = S) ->
    receive
        {chains, Chains} ->
            loop(S#state{chains = Chains});
        {job, Ref, #job{chunk = Chunk} = Job} ->
            Before = maps:map(fun(_, #job{chunk = C} = J) when C =:= Chunk -> J#job{done = none}; (_, J) -> J end, Jobs),
            loop(S#state{jobs = Before#{Ref => Job}});
        {said, Ref, Id, Message} ->
            loop(said(Message, Ref, known(Ref, Id, S)));
        {whole, Binary} ->
            case waits_checkpoint(S) of
                true -> loop(S);  % for windows that wait for credit; a later one will do
                false -> loop(go_on(ask_ears({checkpoint, Binary}, S)))
            end;
        {all_said, Why} ->
            loop(go_on(all_said(Why, S)));
        forget ->
            loop(S#state{jobs = maps:map(fun(_, J) -> J#job{past = true} end, Jobs), checkpoints = #{}});
        {checkpoints, From} ->
            loop(reply(From, S#state.checkpoints, S));
        {{credit, _}, From} when not S#state.given ->
            loop(reply(From, drey_error:new(bad_option, "job ~0tp was started without the option credit", [self()]), S));
        {{credit, N}, From} ->
            loop(go_on(reply(From, ok, S#state{credit = more(S#state.credit, N)})));
        {cancel, From} ->
            maps:foreach(fun(_, Job) -> cancel_job(Job) end, Jobs),
            loop(reply(From, ok, S#state{cancelled = true}));
        {drain, From} ->
            loop(go_on(ask_ears(drain, S#state{drains = From})));
        {flush, From} ->
            loop(go_on(S#state{drains = From, credit = unlimited}));
        {'DOWN', Watch, process, _, _} ->
            loop(go_on(S#state{credit = unlimited}));  % nobody is there to give any
        {'DOWN', Owner, process, _, _} ->
            ok;
        _ ->
            loop(S)
    end.

more(unlimited, _) -> unlimited;
more(Credit, N) -> Credit + N.

reply(From, Answer, S) ->
    From ! {From, Answer},
    S.

tell(Message, #state{subscriber = Subscriber} = S) ->
    Subscriber ! {drey, self(), Message},
    S.

known(Ref, Id, #state{jobs = Jobs, cancelled = Cancelled} = S) ->
    case Jobs of
        #{Ref := #job{id = unknown} = Job} ->
            Known = Job#job{id = Id},
            _ = [cancel_job(Known) || Cancelled],
            S#state{jobs = Jobs#{Ref := Known}};
        _ -> S
    end.

cancel_job(#job{id = unknown}) -> ok;
cancel_job(Job) -> tell_job(cancel, [], Job).

%% Not on a node that is lost, which a cast would connect to.
tell_job(Function, Args, #job{node = Node, id = Id}) ->
    _ = [erpc:cast(Node, drey, Function, [Id | Args]) || lists:member(Node, [node() | nodes(connected)])],
    ok.

said({draws, Window}, Ref, #state{held = Held} = S) ->
    go_on(S#state{held = queue:in({Ref, Window}, Held)});
said({checkpoint, Binary}, Ref, #state{jobs = Jobs, checkpoints = Checkpoints} = S) ->
    case Jobs of
        #{Ref := #job{chunk = Chunk, past = false}} -> S#state{checkpoints = Checkpoints#{Chunk => Binary}};
        _ -> S
    end;
said({progress, #{phase := Phase} = Progress}, Ref, #state{jobs = Jobs} = S) ->
    case Jobs of
        #{Ref := #job{chunk = warm_up}} ->
            tell({progress, Progress}, S);
        #{Ref := Job} when Phase =:= sampling ->
            Now = S#state{jobs = Jobs#{Ref := Job#job{done = Progress}}},
            tell({progress, of_all(Phase, Now)}, Now);
        _ ->
            tell({progress, of_all(Phase, S)}, S)
    end;
said(Other, _, S) ->
    tell(Other, S).

%% Of chunks that nobody has begun as much is to be done as of the others.
of_all(Phase, #state{jobs = Jobs, chains = Chains}) ->
    Begun = [{Count, Progress} || #job{chunk = {_, Count}, done = #{} = Progress} <- maps:values(Jobs)],
    Sum = fun(Key) -> lists:sum([maps:get(Key, P) || {_, P} <- Begun]) end,
    #{phase => Phase, done => Sum(done), divergent => Sum(divergent),
      total => Sum(total) * Chains div max(1, lists:sum([Count || {Count, _} <- Begun]))}.

waits_checkpoint(#state{asked = Asked, held = Held}) ->
    Is = fun({checkpoint, _}) -> true; (_) -> false end,
    lists:any(Is, maps:keys(Asked)) orelse queue:any(Is, Held).

ask_ears(Why, #state{jobs = Jobs, asked = Asked} = S) ->
    _ = [Ear ! {all, self(), Why} || #job{ear = Ear} <- maps:values(Jobs)],
    all_said(Why, S#state{asked = Asked#{Why => maps:size(Jobs) + 1}}).

all_said(Why, #state{asked = Asked, held = Held} = S) ->
    case {maps:get(Why, Asked) - 1, Why} of
        {0, {checkpoint, _}} -> S#state{asked = maps:remove(Why, Asked), held = queue:in(Why, Held)};
        {0, drain} -> S#state{asked = maps:remove(Why, Asked)};
        {Left, _} -> S#state{asked = Asked#{Why := Left}}
    end.

%% Sends what may go, and lets the jobs that made it send more.
go_on(#state{held = Held, credit = Credit, sent = Sent, jobs = Jobs, asked = Asked, drains = Drains} = S) ->
    case queue:out(Held) of
        {empty, _} when Drains =/= none, map_size(Asked) =:= 0 ->
            reply(Drains, drained, S),
            exit(normal);
        {empty, _} ->
            S;
        {{value, {checkpoint, _} = Checkpoint}, Rest} ->
            go_on(tell(Checkpoint, S#state{held = Rest}));
        {{value, _}, _} when Credit =:= 0 ->
            S;
        {{value, {Ref, Window}}, Rest} ->
            {News, NowSent} = later(Window, Sent),
            _ = [tell({draws, W}, S) || W <- News],
            tell_job(credit, [1], maps:get(Ref, Jobs)),
            go_on(S#state{held = Rest, sent = NowSent, credit = spent(Credit, News)})
    end.

spent(unlimited, _) -> unlimited;
spent(Credit, News) -> max(0, Credit - length(News)).

%% @doc The draws of a window that have not gone on yet, in windows; and what has gone on with them.
-spec later(map(), sent()) -> {[map()], sent()}.
later(#{first_chain := First, first_draw := From, stats := Stats} = Window, Sent) ->
    {_, [Count, Draws | _], _} = hd(maps:values(Stats)),
    To = From + Draws,
    case lists:keytake(First, 1, Sent) of
        {value, {First, Count, From}, Others} ->
            {[Window], [{First, Count, To} | Others]};
        _ ->
            {In, Out} = lists:partition(fun({F, N, _}) -> F < First + Count andalso F + N > First end, Sent),
            Cut = lists:append([cut(S, First, First + Count) || S <- In]),
            Outside = [S || {F, N, _} = S <- Cut, F + N =< First orelse F >= First + Count],
            Inside = lists:sort(Cut -- Outside),
            Ranges = filled(First, First + Count, From, Inside),
            {[part(Window, F - First, N, max(0, T - From)) || {F, N, T} <- Ranges, T < To],
             [{F, N, max(T, To)} || {F, N, T} <- Ranges] ++ Outside ++ Out}
    end.

%% A range in parts that lie before, in and behind another.
cut({F, N, T}, First, End) ->
    [{A, B - A, T} || {A, B} <- [{F, min(F + N, First)}, {max(F, First), min(F + N, End)}, {max(F, End), F + N}], A < B].

%% With the chains between them, of which nothing has gone on.
filled(Next, End, From, []) -> [{Next, End - Next, From} || Next < End];
filled(Next, End, From, [{F, N, T} | Rest]) ->
    [{Next, F - Next, From} || Next < F] ++ [{F, N, max(From, T)} | filled(F + N, End, From, Rest)].

part(#{first_chain := First, first_draw := From, draws := Draws, stats := Stats} = Window, Skip, Count, Old) ->
    Take = fun(_, {_, [_, All | _], _} = A) -> drey_checkpoint:slice(drey_checkpoint:rows(A, Skip, Count), Old, All) end,
    Window#{first_chain := First + Skip, first_draw := From + Old, draws := maps:map(Take, Draws), stats := maps:map(Take, Stats)}.
