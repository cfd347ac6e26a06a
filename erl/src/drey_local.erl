%% @doc A call to the engine of this VM: submits it, waits for its answer, and cancels it when whoever asked for
%% it is gone. Called by {@link drey} and {@link drey_server}; knows nothing of nodes.
-module(drey_local).

-export([call/2, call/3]).

%% @doc Runs the call in the calling process. A process that erpc or rpc spawned here works for a caller
%% elsewhere: the death of that caller, or of its node, cancels the call, as it does on a drey_node.
-spec call(atom(), [term()]) -> term().
call(Function, Args) ->
    call(Function, Args, remote_caller()).

%% @doc As call/2; the death of `Caller' cancels the call.
-spec call(atom(), [term()], pid() | undefined) -> term().
call(Function, Args, Caller) ->
    Ref = make_ref(),
    case drey_nif:submit(Ref, Function, Args) of
        {ok, Ticket} ->
            Monitor = case Caller of
                          undefined -> undefined;
                          _ -> erlang:monitor(process, Caller)
                      end,
            wait(Ref, Ticket, Monitor);
        {error, _} = Error ->
            Error
    end.

wait(Ref, Ticket, Monitor) ->
    receive
        {drey_reply, Ref, Answer} ->
            _ = [erlang:demonitor(Monitor, [flush]) || Monitor =/= undefined],
            Answer;
        {'DOWN', Monitor, process, _, _} ->
            ok = drey_nif:cancel(Ticket),
            wait(Ref, Ticket, undefined)
    end.

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
