%% @doc Bayesian inference (NUTS) on any Vulkan device.
%%
%% Every call exists twice: `sample(Model, Opts)' runs in this VM through the NIF, `sample(Node, Model, Opts)' on
%% another node, which is a `drey_node' or an Erlang node with this application; the answers are the same. What
%% they take and answer is in docs/calls.md. All failures, those of the network too, are
%% `{error, #{reason := atom(), message := binary()}}'.
%%
%% ```
%% Model = #{data => #{y => [28, 8, -3, 7, -1, 1, 18, 12], sigma => [15, 10, 16, 11, 9, 11, 10, 18]},
%%           parameters => [{mu, real}, {tau, real, [{lower, 0}]}, {eta, {vector, 8}}],
%%           transformed => [{theta, {'+', mu, {'*', tau, eta}}}],
%%           model => [{'~', mu, {normal, 0, 5}}, {'~', tau, {half_cauchy, 5}}, {'~', eta, {normal, 0, 1}},
%%                     {'~', y, {normal, theta, sigma}}]},
%% {ok, Result} = drey:sample('gpu1@127.0.0.1', Model, #{chains => 4, seed => 1}),
%% drey:print(Result).
%% '''
-module(drey).

%% The calls, here: what other nodes may call too.
-export([info/0, check/1, log_density/2, log_density/3, warmup/2, sample/2, summary/1, jobs/0, cancel/1,
         credit/2]).
%% The calls, on another node.
-export([info/1, check/2, log_density/4, warmup/3, sample/3, summary/2, jobs/1, cancel/2, credit/3]).
%% Calls that do not wait.
-export([sample_async/2, sample_async/3, await/1, await/2, abandon/1]).
%% Results.
-export([draws/2, combine/1, append/1, print/1]).
%% A drey_node as an OS process of this VM.
-export([start_node/1, stop_node/1, node_child_spec/1]).
-export([calls/0]).

-export_type([model/0, opts/0, array/0, points/0, tuning/0, row/0, result/0, job/0, answer/1, request/0]).

-type model() :: map() | [{atom(), term()}].
-type opts() :: map() | [{atom(), term()}].
-type array() :: {f32 | f64 | s32 | s64 | u8, [non_neg_integer()], binary()}.
-type points() :: array() | [[number()]].
-type tuning() :: map().
-type row() :: #{name := binary(), atom() => float() | binary()}.
-type result() :: #{draws := #{atom() => array()}, summary := [row()], atom() => term()}.
-type job() :: term().
-type answer(T) :: {ok, T} | {error, drey_error:t()}.
-opaque request() :: {drey_request, node(), erpc:request_id()}.

%% @doc The calls of the contract: what a node answers to rpc, erpc and GenServer.call.
-spec calls() -> [{atom(), arity()}].
calls() ->
    [{info, 0}, {check, 1}, {log_density, 2}, {log_density, 3}, {warmup, 2}, {sample, 2}, {summary, 1},
     {jobs, 0}, {cancel, 1}, {credit, 2}].

%% @doc Version, node, devices and limits of this VM's engine.
-spec info() -> map() | {error, drey_error:t()}.
info() ->
    case drey_local:call(info, []) of
        #{} = Info -> Info#{node => node()};  % the node may have been named after the library was loaded
        Other -> Other
    end.

-spec info(node()) -> map() | {error, drey_error:t()}.
info(Node) -> on(Node, info, []).

%% @doc Whether the model is one: its dimension, and the names, shapes and constraints of what it has.
-spec check(model()) -> answer(map()).
check(Model) -> drey_local:call(check, [Model]).

-spec check(node(), model()) -> answer(map()).
check(Node, Model) -> on(Node, check, [Model]).

%% @doc Log density (normalised, with Jacobians) and gradient at unconstrained points.
-spec log_density(model(), points()) -> answer(#{value := array(), gradient := array()}).
log_density(Model, Points) -> drey_local:call(log_density, [Model, Points]).

%% @doc With options, or (when the first argument is a node) on that node.
-spec log_density(model(), points(), opts()) -> answer(map());
                 (node(), model(), points()) -> answer(map()).
log_density(Node, Model, Points) when is_atom(Node) -> on(Node, log_density, [Model, Points]);
log_density(Model, Points, Opts) -> drey_local:call(log_density, [Model, Points, Opts]).

-spec log_density(node(), model(), points(), opts()) -> answer(map()).
log_density(Node, Model, Points, Opts) -> on(Node, log_density, [Model, Points, Opts]).

%% @doc Warms up: step size, inverse metric and positions, from which `sample' on any node can start
%% (option `tuning').
-spec warmup(model(), opts()) -> answer(tuning()).
warmup(Model, Opts) -> drey_local:call(warmup, [Model, Opts]).

-spec warmup(node(), model(), opts()) -> answer(tuning()).
warmup(Node, Model, Opts) -> on(Node, warmup, [Model, Opts], Opts).

%% @doc Samples. With the option `nodes => [Node]' the chains are split over those nodes (see {@link
%% drey_cluster}); else they run here.
-spec sample(model(), opts()) -> answer(result()).
sample(Model, Opts) ->
    case drey_cluster_options:take_nodes(Opts) of
        {[], Rest} -> drey_local:call(sample, [Model, Rest]);
        {Nodes, Rest} -> drey_cluster:sample(Nodes, Model, Rest)
    end.

%% @doc Samples on another node. With the option `deadline_ms' the answer comes within that time, give or take
%% the network.
-spec sample(node(), model(), opts()) -> answer(result()).
sample(Node, Model, Opts) -> on(Node, sample, [Model, Opts], Opts).

%% @doc Summary rows (mean, sd, MCSE, quantiles, R-hat, ESS) of draws shaped `[Chains, Draws | Shape]', as in a
%% result or as made by {@link combine/1}.
-spec summary(#{atom() => array()}) -> answer([row()]).
summary(Draws) -> drey_local:call(summary, [Draws]).

-spec summary(node(), #{atom() => array()}) -> answer([row()]).
summary(Node, Draws) -> on(Node, summary, [Draws]).

%% @doc The running jobs.
-spec jobs() -> term().
jobs() -> drey_local:call(jobs, []).

-spec jobs(node()) -> term().
jobs(Node) -> on(Node, jobs, []).

%% @doc Stops a job; its caller gets `{error, #{reason => cancelled}}'. The job of a run over several nodes is a pid.
-spec cancel(job()) -> term().
cancel(Job) when is_pid(Job) -> drey_relay:cancel(Job);
cancel(Job) -> drey_local:call(cancel, [Job]).

-spec cancel(node(), job()) -> term().
cancel(Node, Job) -> on(Node, cancel, [Job]).

%% @doc Lets a job that streams with the option `credit' send `Windows' windows more.
-spec credit(job(), pos_integer()) -> ok | {error, drey_error:t()}.
credit(Job, Windows) when is_pid(Job) -> drey_relay:credit(Job, Windows);
credit(Job, Windows) -> drey_local:call(credit, [Job, Windows]).

-spec credit(node(), job(), pos_integer()) -> ok | {error, drey_error:t()}.
credit(Node, Job, Windows) -> on(Node, credit, [Job, Windows]).

%% @doc As sample/2, without waiting; see {@link await/1}.
-spec sample_async(model(), opts()) -> request().
sample_async(Model, Opts) -> sample_async(node(), Model, Opts).

%% @doc As sample/3, without waiting. The job is cancelled when the calling process dies.
-spec sample_async(node(), model(), opts()) -> request().
sample_async(Node, Model, Opts) ->
    {drey_request, Node, erpc:send_request(Node, ?MODULE, sample, [Model, Opts])}.

%% @doc The answer of a request, from the process that made it.
-spec await(request()) -> answer(result()).
await(Request) -> await(Request, infinity).

%% @doc After `Timeout' milliseconds the request is given up: `{error, #{reason => timeout}}'.
-spec await(request(), timeout()) -> answer(result()).
await({drey_request, Node, Id}, Timeout) ->
    try
        erpc:receive_response(Id, Timeout)
    catch
        Class:Reason -> drey_error:from_exception(Node, {sample, 2}, Class, Reason)
    end.

%% @doc Gives a request up; a drey_node cancels its job.
-spec abandon(request()) -> ok.
abandon(Request) ->
    _ = await(Request, 0),
    ok.

%% @doc The draws of one quantity as nested lists: `[Chain][Draw]' of numbers, or of lists for vectors.
-spec draws(result(), atom()) -> [list()].
draws(#{draws := Draws}, Name) -> drey_draws:to_list(maps:get(Name, Draws)).

%% @doc The draws of several results of one model, chains one after another in the order given. Give it to
%% {@link summary/2} for the diagnostics over all chains.
-spec combine([result()]) -> answer(#{atom() => array()}).
combine(Results) -> drey_draws:combine([maps:get(draws, R) || R <- Results]).

%% @doc The draws of one run that came in parts: each chain's draws one after another, in the order given. The parts are
%% results, or the maps of streamed windows of the same chains.
-spec append([#{draws := #{atom() => array()}, atom() => term()}]) -> answer(#{atom() => array()}).
append(Parts) -> drey_draws:append([maps:get(draws, P) || P <- Parts]).

%% @doc Prints the summary table of a result.
-spec print(result()) -> ok.
print(#{summary := Rows}) -> io:put_chars(drey_table:summary(Rows)).

%% @doc Starts a drey_node on this machine as a supervised OS process; see {@link drey_node_port}.
-spec start_node(drey_node_port:opts()) -> {ok, pid(), node()} | {error, drey_error:t()}.
start_node(Opts) -> drey_node_port:start(Opts).

%% @doc Ends a drey_node that start_node/1 started.
-spec stop_node(pid()) -> ok.
stop_node(Pid) -> drey_node_port:stop(Pid).

%% @doc A child for a supervisor: a crash-proof engine beside the VM.
-spec node_child_spec(drey_node_port:opts()) -> supervisor:child_spec().
node_child_spec(Opts) -> drey_node_port:child_spec(Opts).

%% Calls -------------------------------------------------------------------------------------------------

on(Node, Function, Args) ->
    on(Node, Function, Args, []).

on(Node, _, _, _) when not is_atom(Node) ->
    drey_error:new(bad_option, "a node is named by an atom, such as 'gpu1@10.0.0.7'; found ~0tP", [Node, 8]);
on(Node, Function, Args, Opts) ->
    try
        erpc:call(Node, ?MODULE, Function, Args, timeout(Opts))
    catch
        Class:Reason -> drey_error:from_exception(Node, {Function, length(Args)}, Class, Reason)
    end.

%% A node keeps its deadline itself and says more about it; this is for a node that no longer answers.
-define(GRACE_MS, 5000).

timeout(#{deadline_ms := Ms}) when is_integer(Ms), Ms >= 0, Ms < 16#7fffffff -> Ms + ?GRACE_MS;
timeout([{deadline_ms, Ms} | _]) -> timeout(#{deadline_ms => Ms});
timeout([_ | Opts]) -> timeout(Opts);
timeout(_) -> infinity.
