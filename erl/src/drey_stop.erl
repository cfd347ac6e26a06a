%% @doc The option `stop' of a run on several nodes, decided here as an engine decides it: by the worst parameter's bulk
%% effective sample size and R-hat. Knows nothing of nodes.
-module(drey_stop).

-export([read/1, marks/1, worst/1, reached/2, warning/3]).

-type rule() :: #{ess => number(), rhat => number()}.
-type worst() :: #{ess := float() | binary(), rhat := float() | binary()}.
-export_type([rule/0, worst/0]).

-spec read(term()) -> {ok, rule()} | {error, drey_error:t()}.
read(Rule) when is_list(Rule) ->
    try maps:from_list(Rule) of Map -> read(Map)
    catch error:_ -> refuse(Rule)
    end;
read(#{} = Rule) when map_size(Rule) > 0 ->
    case lists:all(fun({ess, N}) -> is_number(N) andalso N >= 1 andalso N =< 1.0e9;
                      ({rhat, R}) -> is_number(R) andalso R > 1 andalso R =< 10;
                      (_) -> false
                   end, maps:to_list(Rule)) of
        true -> {ok, Rule};
        false -> refuse(Rule)
    end;
read(Rule) ->
    refuse(Rule).

refuse(Rule) ->
    drey_error:new(bad_option, "stop is #{ess => 1 to 1e9, rhat => above 1 to 10}, either or both; found ~0tP", [Rule, 12]).

%% @doc The draws at which a run with the option `stop' is looked at; as an engine does it: each number a quarter more, even.
-spec marks(pos_integer()) -> [pos_integer()].
marks(Cap) -> marks(50, Cap).

marks(Mark, Cap) when Mark < Cap -> [Mark | marks((Mark + Mark div 4 + 1) div 2 * 2, Cap)];
marks(_, Cap) -> [Cap].

%% @doc The least effective sample size and the largest R-hat of summary rows; `<<"nan">>' where no row has one. Constants
%% have neither and do not count.
-spec worst([drey:row()]) -> worst().
worst(Rows) ->
    #{ess => extreme(fun lists:min/1, [E || #{ess_bulk := E} <- Rows]),
      rhat => extreme(fun lists:max/1, [R || #{rhat := R} <- Rows])}.

extreme(Of, Values) ->
    case [V || V <- Values, V =/= <<"nan">>] of
        [] -> <<"nan">>;
        Defined -> Of(Defined)  % a binary, which infinity is, is larger than any number
    end.

-spec reached(rule(), worst()) -> boolean().
reached(Rule, #{ess := Ess, rhat := Rhat}) ->
    (not is_map_key(ess, Rule) orelse (is_number(Ess) andalso Ess >= maps:get(ess, Rule)))
        andalso (not is_map_key(rhat, Rule) orelse (is_number(Rhat) andalso Rhat =< maps:get(rhat, Rule))).

%% @doc What a user should know of a rule that the cap came before.
-spec warning(rule(), pos_integer(), worst()) -> binary().
warning(Rule, Draws, #{ess := Ess, rhat := Rhat}) ->
    Missed = [io_lib:format("the least bulk effective sample size is ~ts, not ~ts", [text(Ess), text(maps:get(ess, Rule))])
              || is_map_key(ess, Rule), not reached(maps:with([ess], Rule), #{ess => Ess, rhat => Rhat})]
        ++ [io_lib:format("the largest R-hat is ~ts, not ~ts", [text(Rhat), text(maps:get(rhat, Rule))])
            || is_map_key(rhat, Rule), not reached(maps:with([rhat], Rule), #{ess => Ess, rhat => Rhat})],
    iolist_to_binary(io_lib:format("stopped at the cap of ~b draws before `stop` was reached: ~ts; raise `draws`, which "
                                   "caps it", [Draws, lists:join(", and ", Missed)])).

text(X) when is_number(X), X >= 100 -> integer_to_list(round(X));
text(X) when is_number(X) -> io_lib:format("~.4g", [float(X)]);
text(X) when is_binary(X) -> X.
