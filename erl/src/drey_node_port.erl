%% @doc A drey_node on this machine, as an OS process that lives and dies with its place in a supervision tree.
%%
%% A crash of the driver ends the drey_node, not the VM; this process then exits and its supervisor starts
%% both anew. When this process or the whole VM ends, however it ends, the drey_node is told to leave.
-module(drey_node_port).

-behaviour(gen_server).

-export([start/1, start_link/1, stop/1, child_spec/1, node_name/1]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2]).

-type opts() :: #{
    name => node() | binary() | string(),  %% default: drey_<os pid>@<host of this node>
    cookie => atom(),                      %% default: this node's
    dist_ports => {inet:port_number(), inet:port_number()},  %% the first free one is taken; default: any free port
    device => non_neg_integer(),           %% default: the best one
    epmd_port => inet:port_number(),       %% default: as for this node
    executable => file:filename_all(),     %% default: priv/drey_node
    args => [string()],                    %% further arguments
    env => [{string(), string()}],         %% further environment
    timeout => pos_integer()               %% milliseconds until it must be ready, default 30,000
}.
-export_type([opts/0]).

%% Stands between the port and the program: a line from this process, or the end of file when this VM closed the
%% port or died, becomes SIGTERM, and a program that does not heed it is killed. Without it a program that does
%% not read its input would outlive the VM.
-define(KEEPER,
        "exe=$1; shift; exec 3<&0; \"$exe\" \"$@\" </dev/null 3<&- & p=$!; "
        "exec 2>/dev/null; ( read -r _ <&3; kill -TERM $p; "
        "  i=0; while [ $i -lt 50 ] && kill -0 $p; do sleep 0.1; i=$((i+1)); done; kill -KILL $p ) >/dev/null & "
        "k=$!; exec 3<&-; wait $p; r=$?; kill $k; exit $r").

-record(state, {port :: port(), node :: node(), line = <<>> :: binary()}).

%% @doc Starts one that is not part of a tree.
-spec start(opts()) -> {ok, pid(), node()} | {error, drey_error:t()}.
start(Opts) ->
    started(gen_server:start(?MODULE, Opts, [])).

%% @doc Returns when it is ready to be called.
-spec start_link(opts()) -> {ok, pid()} | {error, term()}.
start_link(Opts) ->
    case gen_server:start_link(?MODULE, Opts, []) of
        {ok, Pid} -> {ok, Pid};
        {error, Reason} -> {error, Reason};
        ignore -> {error, ignore}
    end.

-spec stop(pid()) -> ok.
stop(Pid) ->
    gen_server:stop(Pid).

-spec child_spec(opts()) -> supervisor:child_spec().
child_spec(Opts) ->
    #{id => {drey_node, maps:get(name, Opts, default)}, start => {?MODULE, start_link, [Opts]}, shutdown => 10000}.

%% @doc The name to call it by.
-spec node_name(pid()) -> node().
node_name(Pid) ->
    gen_server:call(Pid, node).

started({ok, Pid}) -> {ok, Pid, node_name(Pid)};
started({error, {shutdown, #{reason := _} = Error}}) -> {error, Error};
started({error, Reason}) -> drey_error:new(node_failed, "drey_node did not start: ~0tp", [Reason]).

-spec init(opts()) -> {ok, #state{}} | {stop, term()}.
init(Opts) ->
    process_flag(trap_exit, true),
    Exe = unicode:characters_to_list(maps:get(executable, Opts, drey_priv:file("drey_node"))),
    case filelib:is_regular(Exe) of
        true ->
            Name = name(Opts),
            Port = open_port({spawn_executable, "/bin/sh"},
                             [binary, exit_status, {line, 4096}, {args, ["-c", ?KEEPER, "drey_node", Exe | args(Name, Opts)]},
                              {env, env(Opts)}]),
            Deadline = erlang:monotonic_time(millisecond) + maps:get(timeout, Opts, 30000),
            await_ready(#state{port = Port, node = Name}, Deadline);
        false ->
            {error, Error} = drey_error:new(node_failed, "~ts is not there. Build it with ./dev build in Drey's "
                                                         "source folder", [Exe]),
            {stop, {shutdown, Error}}
    end.

-spec handle_call(node, gen_server:from(), #state{}) -> {reply, node(), #state{}}.
handle_call(node, _From, State) ->
    {reply, State#state.node, State}.

-spec handle_cast(term(), #state{}) -> {noreply, #state{}}.
handle_cast(_Request, State) ->
    {noreply, State}.

-spec handle_info(term(), #state{}) -> {noreply, #state{}} | {stop, term(), #state{}}.
handle_info({Port, {exit_status, Status}}, #state{port = Port} = State) ->
    {stop, {drey_node_exit, Status}, State};
handle_info({'EXIT', Port, Reason}, #state{port = Port} = State) ->
    {stop, {drey_node_exit, Reason}, State};
handle_info({'EXIT', _Other, Reason}, State) ->
    {stop, Reason, State};
handle_info(_Message, State) ->
    {noreply, State}.

%% Waits for it: its name must be free when a supervisor starts the next one.
-spec terminate(term(), #state{}) -> ok.
terminate({drey_node_exit, _}, _State) ->
    ok;
terminate(_Reason, #state{port = Port}) ->
    try port_command(Port, <<"stop\n">>) of
        true ->
            receive
                {Port, {exit_status, _}} -> ok;
                {'EXIT', Port, _} -> ok
            after 8000 -> ok
            end
    catch
        error:badarg -> ok
    end.

await_ready(#state{port = Port, node = Node} = State, Deadline) ->
    receive
        {Port, {data, {_, <<"drey_node ready", _/binary>>}}} ->
            {ok, State};
        {Port, {data, _}} ->
            await_ready(State, Deadline);
        {Port, {exit_status, Status}} ->
            {error, Error} = drey_error:new(node_failed, "drey_node ~ts ended with status ~b before it was ready; "
                                                         "its standard error says why", [Node, Status]),
            {stop, {shutdown, Error}}
    after max(0, Deadline - erlang:monotonic_time(millisecond)) ->
        port_close(Port),
        {error, Error} = drey_error:new(node_failed, "drey_node ~ts was not ready in time", [Node]),
        {stop, {shutdown, Error}}
    end.

name(#{name := Name}) when is_atom(Name) -> Name;
name(#{name := Name}) -> binary_to_atom(unicode:characters_to_binary(Name));
name(_) ->
    Host = case string:split(atom_to_list(node()), "@") of
               [_, "nohost"] -> "127.0.0.1";
               [_, H] -> H
           end,
    list_to_atom(lists:concat(["drey_", os:getpid(), "_", erlang:unique_integer([positive]), "@", Host])).

args(Name, Opts) ->
    lists:append([
        ["--name", atom_to_list(Name)],
        case Opts of #{dist_ports := {Lo, Hi}} -> ["--dist-ports", lists:concat([Lo, "-", Hi])]; _ -> [] end,
        case Opts of #{device := Device} -> ["--device", integer_to_list(Device)]; _ -> [] end,
        maps:get(args, Opts, [])]).

%% The cookie goes through the environment, which only this user can read; arguments are for all to see.
env(Opts) ->
    Cookie = maps:get(cookie, Opts, erlang:get_cookie()),
    [{"DREY_COOKIE", atom_to_list(Cookie)}]
        ++ [{"ERL_EPMD_PORT", integer_to_list(P)} || P <- [maps:get(epmd_port, Opts, none)], is_integer(P)]
        ++ maps:get(env, Opts, []).
