%% @doc The one shape of a failure: `{error, #{reason => atom(), message => binary()}}'. Engines answer it
%% themselves; this module makes the ones that only the BEAM side can see (a node that is gone, a library that
%% does not load) and never lets an exception of the transport reach the caller.
-module(drey_error).

-export([new/2, new/3, from_exception/4, format/1]).

-type t() :: #{reason := atom(), message := binary(), atom() => term()}.
-export_type([t/0]).

%% @doc `{error, #{reason, message}}' with the message formatted as by io_lib.
-spec new(atom(), iodata()) -> {error, t()}.
new(Reason, Message) ->
    {error, #{reason => Reason, message => unicode:characters_to_binary(Message)}}.

-spec new(atom(), io:format(), [term()]) -> {error, t()}.
new(Reason, Format, Args) ->
    new(Reason, io_lib:format(Format, Args)).

%% @doc What a call through erpc raised, as an answer. `Node' is where it was sent, `Function' what was called.
-spec from_exception(node(), {atom(), arity()}, error | exit | throw, term()) -> {error, t()}.
from_exception(Node, {F, A}, Class, Reason) ->
    case {Class, Reason} of
        {error, {erpc, noconnection}} ->
            new(noconnection,
                "no connection to ~ts. Is it running (epmd -names on its host), does it have this node's "
                "cookie, and is its port reachable through the firewall?", [Node]);
        {error, {erpc, timeout}} ->
            new(timeout, "~ts did not answer drey:~ts/~b in time; the call was cancelled there", [Node, F, A]);
        {error, {erpc, Why}} ->
            new(to_reason(Why), "~ts refused drey:~ts/~b: ~0tp", [Node, F, A, Why]);
        {error, {exception, undef, _Stack}} ->
            new(undef,
                "~ts does not export drey:~ts/~b. It must be a drey_node, or an Erlang node that has the "
                "application drey on its code path, of a version that knows this call", [Node, F, A]);
        {error, {exception, Why, _Stack}} ->
            new(remote_crash, "drey:~ts/~b crashed on ~ts: ~0tp", [F, A, Node, Why]);
        {exit, {signal, noconnection}} ->
            new(noconnection, "the connection to ~ts was lost during drey:~ts/~b", [Node, F, A]);
        {exit, {signal, Why}} ->
            new(remote_exit, "drey:~ts/~b was ended on ~ts: ~0tp", [F, A, Node, Why]);
        {_, Why} ->
            new(remote_crash, "drey:~ts/~b failed on ~ts: ~0tp", [F, A, Node, Why])
    end.

%% @doc One line for a person.
-spec format(t()) -> binary().
format(#{reason := Reason, message := Message} = Error) ->
    Where = case Error of
                #{where := W} when is_binary(W), W =/= <<>> -> [W, ": "];
                _ -> ""
            end,
    unicode:characters_to_binary(io_lib:format("~ts: ~ts~ts", [Reason, Where, Message])).

to_reason(Why) when is_atom(Why) -> Why;
to_reason(_) -> refused.
