%% @doc Hands the chunks of a run to nodes and gathers what they came to. A node that is done takes the next chunk; one that
%% is lost is left out, and its chunk goes to another. Knows no model and no draws: what a node is asked for a chunk, the
%% caller says.
-module(drey_work).

-export([do/2]).

%% What a chunk came to.
-type part() :: #{chunk := drey_shares:chunk(), node := node(), result := map(), checkpoint := none | binary()}.
-type plan() :: #{nodes := [node(), ...],
                  lanes := drey_shares:lanes(),
                  chains := pos_integer(),  % in all
                  ask := fun((node(), drey_shares:chunk()) -> [term()]),  % the arguments of its drey:sample/2
                  until := infinity | integer(),  % of the monotonic clock, in milliseconds
                  cuts := boolean(),  % whether a deadline or a cancel leaves what was done until then
                  save_at := infinity | integer(),  % when `save' is due; it says when it is due again
                  save := fun(([part()]) -> {ok, infinity | integer()} | {error, drey_error:t()})}.
-export_type([part/0, plan/0]).

%% @doc Until nothing is left to do. The parts come back in the order of their chunks, and with them whether they are all.
-spec do(drey_shares:to_do(), plan()) -> {ok | {cut, {error, drey_error:t()}}, [part()]} | {error, drey_error:t()}.
do(ToDo, #{nodes := Nodes} = Plan) ->
    hand_out(ToDo, Nodes, erpc:reqids_new(), maps:from_list([{Node, 0} || Node <- Nodes]), Plan, []).

%% To idle nodes, until there are none of either.
hand_out(ToDo, [Node | Idle] = Nodes, Requests, Rates, #{ask := Ask} = Plan, Parts) ->
    case next(ToDo, Node, Rates, Plan) of
        {Chunk, Rest} ->
            case in_time(Plan) of
                true ->
                    Sent = erpc:send_request(Node, drey, sample, Ask(Node, Chunk), {Node, Chunk}, Requests),
                    hand_out(Rest, Idle, Sent, Rates, Plan, Parts);
                false ->
                    late(drey_error:new(deadline, "deadline_ms passed", []), Idle, Requests, Rates, Plan, Parts)
            end;
        none ->
            await(ToDo, Nodes, Requests, Rates, Plan, Parts)
    end;
hand_out(ToDo, [], Requests, Rates, Plan, Parts) ->
    await(ToDo, [], Requests, Rates, Plan, Parts).

next(ToDo, Node, Rates, #{chains := Chains, lanes := Lanes}) -> drey_shares:next(ToDo, Node, Rates, {Chains, Lanes}).

in_time(#{until := infinity}) -> true;
in_time(#{until := Until}) -> erlang:monotonic_time(millisecond) < Until.

%% Too late for another chunk; what runs has the same deadline.
late(Error, Idle, Requests, Rates, #{cuts := true} = Plan, Parts) ->
    await({cut, Error}, Idle, Requests, Rates, Plan, Parts);
late(Error, _, Requests, _, _, _) ->
    give_up(Requests),
    Error.

await(ToDo, Idle, Requests, Rates, Plan, Parts) ->
    try erpc:wait_response(Requests, until_saved(Plan), true) of
        no_response ->
            case (maps:get(save, Plan))(Parts) of
                {ok, Next} -> await(ToDo, Idle, Requests, Rates, Plan#{save_at := Next}, Parts);
                {error, _} = Error -> give_up(Requests), Error
            end;
        no_request ->
            case {ToDo, next(ToDo, node(), Rates, Plan)} of
                {{cut, _}, none} -> {ToDo, in_order(Parts)};
                {_, none} -> {ok, in_order(Parts)};
                _ -> drey_error:new(noconnection, "all nodes of the run were lost before it was done")
            end;
        {{response, {ok, Result}}, {Node, Chunk}, Rest} ->
            Part = #{chunk => Chunk, node => Node, result => Result, checkpoint => maps:get(checkpoint, Result, none)},
            hand_out(ToDo, Idle ++ [Node], Rest, Rates#{Node => rate(Chunk, Result)}, Plan, [Part | Parts]);
        {{response, {error, Why} = Error}, {Node, Chunk}, Rest} ->
            Cut = [#{chunk => Chunk, node => Node, result => maps:get(result, Why, #{}), checkpoint => Checkpoint}
                   || #{checkpoint := Checkpoint} <- [Why]] ++ Parts,
            case {Why, Plan} of
                {#{reason := deadline}, _} ->
                    late(plain(Why), Idle, Rest, Rates, Plan, Cut);
                {#{reason := cancelled, checkpoint := _}, #{cuts := true}} ->
                    give_up(Rest),
                    {{cut, Error}, in_order(Cut)};
                _ ->
                    give_up(Rest),
                    plain(Why)
            end
    catch
        Class:{Reason, {Node, Chunk}, Rest} ->
            case drey_error:from_exception(Node, {sample, 2}, Class, Reason) of
                {error, #{reason := noconnection}} ->
                    hand_out(drey_shares:again(Chunk, ToDo), Idle, Rest, maps:remove(Node, Rates), Plan, Parts);
                Error ->
                    give_up(Rest),
                    Error
            end
    end.

until_saved(#{save_at := infinity}) -> infinity;
until_saved(#{save_at := At}) -> max(0, At - erlang:monotonic_time(millisecond)).

in_order(Parts) -> lists:sort(fun(#{chunk := A}, #{chunk := B}) -> A =< B end, Parts).

%% Without what its chunk alone came to.
plain(#{checkpoint := _, reason := deadline}) -> drey_error:new(deadline, "deadline_ms passed");
plain(#{checkpoint := _, reason := cancelled}) -> drey_error:new(cancelled, "a job was cancelled");
plain(Why) -> {error, maps:without([checkpoint, result, draws], Why)}.

%% Chains a millisecond.
rate({_, Count}, #{timing := #{sampling_ms := Sampling, outputs_ms := Outputs}}) ->
    Count / max(0.001, Sampling + Outputs).

%% The callers of what still runs are gone with their requests, and so the nodes cancel it.
give_up(Requests) ->
    lists:foreach(fun({Id, _}) ->
                          try erpc:receive_response(Id, 0) of _ -> ok catch _:_ -> ok end
                  end, erpc:reqids_to_list(Requests)).
