%% @doc A call to the engine of this VM: submits it, waits for its answer, and cancels it when whoever asked for
%% it is gone. Called by {@link drey} and {@link drey_server}; knows nothing of nodes.
-module(drey_local).

-export([call/2, call/3]).

-define(LOOK_MS, 200).

%% @doc Runs the call in the calling process. A process that erpc or rpc spawned here works for a caller
%% elsewhere: the death of that caller, or of its node, cancels the call, as it does on a drey_node.
-spec call(atom(), [term()]) -> term().
call(Function, Args) ->
    call(Function, Args, remote_caller()).

%% @doc As call/2; the death of `Caller' cancels the call.
-spec call(atom(), [term()], pid() | undefined) -> term().
call(Function, Args, Caller) ->
    case is_awaited_by(Caller) of
        true -> call_while_awaited(Function, Args, Caller);
        false -> submit(Function, Args, Caller)
    end.

%% A caller that gives up, as erpc does after its timeout, only stops monitoring: nothing is sent. So this process looks
%% from time to time whether it still is monitored, and another makes the call: a process that a NIF monitors must not be
%% asked who monitors it, since OTP would then refer to an object that the library may just be giving back.
call_while_awaited(Function, Args, Caller) ->
    Self = self(),
    {Worker, Monitor} = spawn_monitor(fun() -> Self ! {self(), submit(Function, Args, Caller)} end),
    wait_while_awaited(Worker, Monitor, Caller).

wait_while_awaited(Worker, Monitor, Caller) ->
    receive
        {Worker, Answer} ->
            true = erlang:demonitor(Monitor, [flush]),
            Answer;
        {'DOWN', Monitor, process, _, Reason} ->
            exit(Reason)
    after ?LOOK_MS ->
            case is_awaited_by(Caller) of
                true -> wait_while_awaited(Worker, Monitor, Caller);
                false -> exit(Worker, kill), exit(normal)  % nobody is there to be told; the library ends the job
            end
    end.

is_awaited_by(undefined) -> false;
is_awaited_by(Caller) ->
    {monitored_by, Watchers} = process_info(self(), monitored_by),
    lists:member(Caller, Watchers).

submit(Function, Args0, Caller) ->
    Ref = make_ref(),
    {Args, Subscriber} = subscriber(Args0),
    case drey_nif:submit(Ref, Function, Args) of
        {ok, Ticket} ->
            Monitor = case Caller of
                          undefined -> undefined;
                          _ -> erlang:monitor(process, Caller)
                      end,
            wait(Ref, Ticket, Subscriber, Monitor);
        {error, _} = Error ->
            Error
    end.

wait(Ref, Ticket, Subscriber, Monitor) ->
    receive
        {drey_reply, Ref, Answer} ->
            _ = [erlang:demonitor(Monitor, [flush]) || Monitor =/= undefined],
            Answer;
        {drey_log, Ref, Line} ->
            _ = catch io:put_chars(Line),  % the group leader may be gone
            wait(Ref, Ticket, Subscriber, Monitor);
        {drey, Ticket, _} = Message when Subscriber =/= undefined ->
            Subscriber ! Message,
            wait(Ref, Ticket, Subscriber, Monitor);
        {'DOWN', Monitor, process, _, _} ->
            ok = drey_nif:cancel(Ticket),
            wait(Ref, Ticket, Subscriber, undefined)
    end.

%% The library sends to processes of this VM only. What is for one elsewhere comes here, and goes on from here.
subscriber([Model, #{stream_to := Pid} = Opts]) when is_pid(Pid), node(Pid) =/= node() ->
    {[Model, Opts#{stream_to := self()}], Pid};
subscriber([Model, [_ | _] = Opts] = Args) ->
    try lists:keyfind(stream_to, 1, Opts) of
        {stream_to, Pid} when is_pid(Pid), node(Pid) =/= node() ->
            {[Model, lists:keyreplace(stream_to, 1, Opts, {stream_to, self()})], Pid};
        _ ->
            {Args, undefined}
    catch
        error:_ -> {Args, undefined}  % no list: the engine says so
    end;
subscriber(Args) ->
    {Args, undefined}.

%% The process on another node that erpc works for here. Only a process made by erpc is asked about its
%% parent: for any other the parent is its supervisor or its shell, and no caller.
remote_caller() ->
    case process_info(self(), initial_call) of
        {initial_call, {erpc, _, _}} -> parent();
        _ -> undefined
    end.

parent() ->
    try process_info(self(), parent) of
        {parent, Pid} when is_pid(Pid) -> Pid;
        _ -> undefined
    catch
        error:badarg -> undefined  % before OTP 25
    end.
