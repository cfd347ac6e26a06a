%% @doc How the chains of a run are shared out among nodes: in chunks of chains that follow one another, few chains in one
%% chunk a node, many as nodes ask for them and by how fast they were. Knows numbers and names; asks no node.
-module(drey_shares).

-export([all/3, chunks/2, next/4, again/2, share/3, lanes/2]).

-define(LANES, 64).  % of a node that does not say
-define(PARTS, 4).  % chunks that a node comes to, about, where chains are many

-type chunk() :: {First :: non_neg_integer(), Count :: pos_integer()}.
%% What is to do: these chunks, or the chains from one on and what lost nodes had; or nothing more, of a run that was cut.
-type to_do() :: {list, [chunk()]} | {rest, non_neg_integer(), [chunk()]} | {cut, term()}.
%% The chains that keep a node busy, where it says; chains a millisecond, 0 of a node that was not measured yet.
-type lanes() :: #{node() => pos_integer()}.
-type rates() :: #{node() => number()}.
-export_type([chunk/0, to_do/0, lanes/0, rates/0]).

%% @doc All chains of a run on `N' nodes. Few are cut once, many as nodes ask for them.
-spec all(pos_integer(), lanes(), pos_integer()) -> to_do().
all(Chains, Lanes, N) ->
    Full = lists:max([?LANES | maps:values(Lanes)]),
    if
        Chains < 2 * N * Full -> {list, chunks(Chains, N)};
        true -> {rest, 0, []}
    end.

%% @doc The chunks of a run of few chains on `N' nodes: as even as can be, none empty.
-spec chunks(non_neg_integer(), pos_integer()) -> [chunk()].
chunks(Chains, N) ->
    Bound = fun(I) -> I * Chains div N end,
    [{Bound(I), Bound(I + 1) - Bound(I)} || I <- lists:seq(0, N - 1), Bound(I + 1) > Bound(I)].

%% @doc The next chunk for a node, of so many chains in all, and what is then to do. Chunks of lost nodes come first.
-spec next(to_do(), node(), rates(), {pos_integer(), lanes()}) -> {chunk(), to_do()} | none.
next({list, [Chunk | Chunks]}, _, _, _) ->
    {Chunk, {list, Chunks}};
next({rest, First, [Chunk | Lost]}, _, _, _) ->
    {Chunk, {rest, First, Lost}};
next({rest, First, []}, Node, Rates, {Chains, Lanes}) when First < Chains ->
    N = maps:size(Rates),
    Fraction = case Rates of
                   #{Node := Rate} when Rate > 0 ->
                       %% Nodes that were not measured yet count as the average of those that were.
                       Known = [R || R <- maps:values(Rates), R > 0],
                       Rate / (lists:sum(Known) / length(Known) * N);
                   _ ->
                       2 / (?PARTS * N)
               end,
    Count = share(Chains - First, lanes(Node, Lanes), Fraction),
    {{First, Count}, {rest, First + Count, []}};
next(_, _, _, _) ->
    none.

%% @doc The chunk of a lost node is to do again.
-spec again(chunk(), to_do()) -> to_do().
again(_, {cut, _} = Cut) -> Cut;
again(Chunk, {list, Chunks}) -> {list, [Chunk | Chunks]};
again(Chunk, {rest, First, Lost}) -> {rest, First, [Chunk | Lost]}.

%% @doc The chains that a node is given next, of `Left': its share by measured rate of half of what is left, so that all
%% are done at about the same time; but never fewer than its lanes, and all where little is left.
-spec share(pos_integer(), pos_integer(), float()) -> pos_integer().
share(Left, Lanes, Fraction) ->
    case max(Lanes, round(Left * Fraction / 2) div Lanes * Lanes) of
        Chains when Left - Chains < Lanes -> Left;
        Chains -> Chains
    end.

%% @doc The chains that keep a node busy.
-spec lanes(node(), lanes()) -> pos_integer().
lanes(Node, Lanes) -> maps:get(Node, Lanes, ?LANES).
