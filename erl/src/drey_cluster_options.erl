%% @doc The options of a run on several nodes: those that are decided here, before any node is asked. What else there is,
%% the nodes' engines check.
-module(drey_cluster_options).

-export([take_nodes/1, as_map/1, check/2]).

%% @doc Takes the option `nodes' out of the options, which come back as a map when it was there.
-spec take_nodes(drey:opts()) -> {[node()], drey:opts()}.
take_nodes(#{nodes := Nodes} = Opts) -> {Nodes, maps:remove(nodes, Opts)};
take_nodes(Opts) when is_list(Opts) ->
    case as_map(Opts) of
        {ok, #{nodes := _} = Map} -> take_nodes(Map);
        _ -> {[], Opts}  % what is no property list, the engine refuses with a better message
    end;
take_nodes(Opts) -> {[], Opts}.

-spec as_map(term()) -> {ok, map()} | {error, drey_error:t()}.
as_map(Opts) when is_map(Opts) -> {ok, Opts};
as_map(Opts) ->
    try {ok, maps:from_list(lists:reverse(proplists:unfold(Opts)))}  % the first of a property list counts
    catch error:_ -> drey_error:new(bad_option, "options are a map or a property list; found ~0tP", [Opts, 12])
    end.

-spec check(term(), map()) -> ok | {error, drey_error:t()}.
check(Nodes, Opts) ->
    Counts = [{chains, 1, infinity}, {first_chain, 0, infinity}, {draws, 1, infinity}, {credit, 1, 1000000},
              {checkpoint_every_ms, 10, 2147483647}],
    Wrong = [{Name, Least, Most, Value} || {Name, Least, Most} <- Counts, {ok, Value} <- [maps:find(Name, Opts)],
                                           not (is_integer(Value) andalso Value >= Least andalso Value =< Most)],
    Alone = [Name || Name <- [checkpoint_every_ms, credit], is_map_key(Name, Opts), not is_map_key(stream_to, Opts)],
    case {are_nodes(Nodes), Wrong, Alone, Opts} of
        {false, _, _, _} ->
            drey_error:new(bad_option, "nodes is a list of at least one node name; found ~0tP", [Nodes, 12]);
        {true, [{Name, Least, infinity, Value} | _], _, _} ->
            drey_error:new(bad_option, "~ts is an integer from ~b; found ~0tP", [Name, Least, Value, 8]);
        {true, [{Name, Least, Most, Value} | _], _, _} ->
            drey_error:new(bad_option, "~ts is an integer from ~b to ~b; found ~0tP", [Name, Least, Most, Value, 8]);
        {true, [], [checkpoint_every_ms | _], _} ->
            drey_error:new(bad_option, "checkpoint_every_ms sends checkpoints to stream_to; name one");
        {true, [], [credit | _], _} ->
            drey_error:new(bad_option, "credit is of the windows that stream_to gets; name a stream_to");
        {true, [], [], #{checkpoint := Wanted}} when not is_boolean(Wanted) ->
            drey_error:new(bad_option, "checkpoint is true or false; found ~0tP", [Wanted, 8]);
        {true, [], [], #{keep := Keep}} when Keep =/= all, Keep =/= new, Keep =/= none ->
            drey_error:new(bad_option, "keep is all, new or none; found ~0tP", [Keep, 8]);
        {true, [], [], #{stop := _, keep := Keep}} when Keep =/= all ->
            drey_error:new(bad_option, "stop looks at all draws, which keep => ~0tp does not hold; leave one of both out",
                           [Keep]);
        {true, [], [], _} ->
            ok
    end.

are_nodes([Node]) -> is_atom(Node);
are_nodes([Node | Nodes]) -> is_atom(Node) andalso are_nodes(Nodes);
are_nodes(_) -> false.
