%% @doc
%% ```
%% drey_sup (one_for_one)
%%   drey_server     registered `drey': answers GenServer.call({drey, Node}, {sample, Model, Opts}) as drey_node does
%% '''
%% A local drey_node is not started here: which, and how many, is the application's choice. Put
%% `drey:node_child_spec/1' into its own tree.
-module(drey_sup).

-behaviour(supervisor).

-export([start_link/0]).
-export([init/1]).

-spec start_link() -> {ok, pid()} | {error, term()}.
start_link() ->
    case supervisor:start_link({local, ?MODULE}, ?MODULE, []) of
        {ok, Pid} -> {ok, Pid};
        {error, Reason} -> {error, Reason};
        ignore -> {error, ignore}
    end.

-spec init([]) -> {ok, {supervisor:sup_flags(), [supervisor:child_spec()]}}.
init([]) ->
    Server = #{id => drey_server, start => {drey_server, start_link, []}},
    {ok, {#{strategy => one_for_one, intensity => 5, period => 10}, [Server]}}.
