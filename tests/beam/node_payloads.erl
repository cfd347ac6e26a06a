%% Arguments and results of every size, in fragments both ways; small messages between large ones.
-module(node_payloads).

-export([cases/1]).

cases(N) ->
    [{arguments, fun() -> [S = call(N, size, [binary:copy(<<1>>, S)]) ||
                              S <- [0, 1, 64, 65, 4095, 4096, 65000, 65535, 65536, 131072, 200000, 1 bsl 20, 64 bsl 20]] end},
     {results, fun() -> [check(S, call(N, blob, [S])) ||
                            S <- [0, 1, 64, 65, 4095, 4096, 65000, 65535, 65536, 65537, 131072, 200000, 1 bsl 20, 64 bsl 20]] end},
     {results_by_server, fun() -> [check(S, gen_server:call({test, N}, {blob, S})) || S <- [10, 100000, 10 bsl 20]] end},
     {echoes, fun() ->
        Big = #{a => binary:copy(<<"abc">>, 1 bsl 20), b => [binary:copy(<<X>>, 70000) || X <- lists:seq(1, 20)]},
        Big = call(N, echo, [Big])
      end},
     {senders_interleave, fun() ->
        Self = self(),
        Pids = [spawn_link(fun() ->
                               Binary = binary:copy(<<I>>, 3 bsl 20),
                               [Binary = call(N, echo, [Binary]) || _ <- [1, 2, 3]],
                               Self ! {done, self()}
                           end) || I <- lists:seq(1, 8)],
        [receive {done, Pid} -> ok end || Pid <- Pids]
      end},
     {stream_keeps_its_order, fun() ->
        [begin
             streamed = call(N, stream, [self(), 20, Size]),
             [{I, W} = receive {draws, I0, B} -> {I0, byte_size(B)} end
              || I <- lists:seq(1, 20), W <- [case I rem 2 of 1 -> Size; 0 -> 10 end]]
         end || Size <- [1000, 100000, 3 bsl 20]]
      end},
     {small_overtakes_large, fun() ->
        Self = self(),
        spawn_link(fun() -> check(200 bsl 20, call(N, blob, [200 bsl 20])), Self ! large end),
        timer:sleep(150),
        spawn_link(fun() -> [ok = call(N, null, []) || _ <- [1, 2, 3]], Self ! small end),
        First = receive large -> large; small -> small end,
        receive large -> ok; small -> ok end,
        small = First
      end},
     {floods, fun() ->
        %% What nobody asked for, in all sizes, from several at once; the answer behind it shows that it was read.
        Pids = [spawn_monitor(fun() ->
                                  B = binary:copy(<<1>>, Size),
                                  [{test, N} ! {B, I} || I <- lists:seq(1, Count)],
                                  ok = call(N, null, [])
                              end) || {Size, Count} <- [{64, 20000}, {32 bsl 10, 500}, {5 bsl 20, 20}, {100, 5000}]],
        [receive {'DOWN', Ref, process, Pid, Why} -> normal = Why end || {Pid, Ref} <- Pids]
      end},
     {many_pieces, fun() ->
        Pieces = [binary:copy(<<I>>, 65 + I rem 1000) || I <- lists:seq(1, 20000)],
        Pieces = call(N, echo, [Pieces])
      end},
     {small_messages_while_a_large_argument_comes, fun() ->
        Self = self(),
        Big = binary:copy(<<7>>, 150 bsl 20),
        spawn_link(fun() -> 157286400 = call(N, size, [Big]), Self ! large end),
        timer:sleep(20),
        spawn_link(fun() -> [ok = call(N, null, []) || _ <- [1, 2, 3]], Self ! small end),
        First = receive large -> large; small -> small end,
        receive large -> ok; small -> ok end,
        small = First
      end},
     {peer_without_fragments, fun() -> node_hostile:plain_peer(N) end}].

check(Size, Binary) ->
    Size = byte_size(Binary),
    [true = binary:at(Binary, I) =:= I rem 251 || Size > 0, I <- [0, Size div 3, Size div 2, Size - 1]],
    ok.

call(N, F, A) -> erpc:call(N, test, F, A).
