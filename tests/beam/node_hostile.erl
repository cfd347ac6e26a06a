%% A peer that knows the cookie, or not even that, and sends what no BEAM would: what OTP's own distribution_SUITE sends
%% (the cases bad_dist_structure, bad_dist_fragments, bad_dist_ext_*, exit_dist_fragments), and more. Whatever it sends, at
%% most its own connection ends: the node lives, its memory is bounded, another peer's call under way is not disturbed.
%% `./dev sanitize' runs it against a node under AddressSanitizer and UBSan.
-module(node_hostile).

-export([run/0, plain_peer/1]).

-define(FLAGS, 16#D07DF5FBC).
-define(FRAGMENTS, 16#800000).
-define(CALM, 2).  % calls under way that are nobody's business

run() ->
    Node = node_kit:start(test, node_kit:name(hostile), ["--max-monitors", "1000", "--max-packet-mb", "16",
                                                         "--max-fragments-mb", "32"]),
    #{name := N} = Node,
    Bystander = erpc:send_request(N, test, sleep, [600000]),
    persistent_term:put({?MODULE, call}, spawn(N, test, sleep, [600000])),
    Patient = patient(Node),
    Result = node_kit:run("hostile", handshakes(Node) ++ frames(Node) ++ names_taken_over(Node) ++ dying_senders(Node)
                          ++ [{patience_ends, fun() -> Patient(), calm(Node) end}, {memory, fun() -> memory(Node) end},
                              {bystander, fun() -> calm(Node) end}]),
    ok = erpc_no_answer(Bystander),
    0 = node_kit:stop(Node),
    Result.

erpc_no_answer(Request) ->
    no_response = erpc:wait_response(Request, 0),
    ok.

calm(#{name := N} = Node) ->
    true = node_kit:alive(Node),
    ?CALM = erpc:call(N, test, sleeping, []).

%% Whatever was claimed: 16 MiB a packet and 32 MiB of fragments a peer, of which a few were there at a time. Sanitizers
%% keep what was freed.
memory(#{os_pid := Pid} = Node) ->
    {ok, Status} = file:read_file(lists:concat(["/proc/", Pid, "/status"])),
    Kilobytes = fun(Name) ->
                        {match, [K]} = re:run(Status, Name ++ ":\\s+([0-9]+) kB", [{capture, all_but_first, list}]),
                        list_to_integer(K)
                end,
    {Now, Peak} = {Kilobytes("VmRSS"), Kilobytes("VmHWM")},
    io:format("hostile: the node has ~b MiB, at most it had ~b~n", [Now div 1024, Peak div 1024]),
    node_kit:sanitized(Node) orelse begin true = Peak < 400 * 1024, true = Now < 200 * 1024 end.

%% Handshakes --------------------------------------------------------------------------------------------

%% Those that say nothing, or a byte a second, have seven seconds. Begun now, looked at later.
patient(#{tcp := Port}) ->
    Open = fun() -> {ok, S} = gen_tcp:connect({127, 0, 0, 1}, Port, [binary, {active, false}]), S end,
    Ends = fun(Send) ->
                   spawn(fun() -> S = Open(), Send(S), closed(S), receive {ended, To} -> To ! closed end end)
           end,
    Slow = fun(S) ->
                   Name = message([$N, <<?FLAGS:64, 1:32, 11:16>>, "slow@a.b.c"]),
                   spawn(fun() -> [begin gen_tcp:send(S, [Byte]), timer:sleep(1000) end || <<Byte>> <= Name] end)
           end,
    Half = fun(S) -> gen_tcp:send(S, <<100:16, "N">>) end,
    Unproved = fun(S) -> gen_tcp:send(S, message([$N, <<?FLAGS:64, 1:32, 11:16>>, "wait@1.2.3.4"])) end,
    Pids = [Ends(Send) || Send <- [fun(_) -> ok end, Slow, Half, Unproved]],
    fun() ->
        [Pid ! {ended, self()} || Pid <- Pids],
        [receive closed -> ok after 20000 -> error(still_open) end || _ <- Pids]
    end.

handshakes(#{tcp := Port} = Node) ->
    Name = fun(Who) -> message([$N, <<?FLAGS:64, 1:32, (byte_size(Who)):16>>, Who]) end,
    Raw = fun(Bytes) ->
        {ok, S} = gen_tcp:connect({127, 0, 0, 1}, Port, [binary, {active, false}]),
        ok = gen_tcp:send(S, Bytes),
        closed(S),
        calm(Node)
    end,
    Bad = [{http, <<"GET / HTTP/1.1\r\nHost: x\r\n\r\n">>},
           {tls_client_hello, <<22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3, 0:256>>},
           {long_length, <<60000:16, 1, 2, 3>>},
           {no_at, Name(<<"nobody">>)},
           {two_ats, Name(<<"a@b@c">>)},
           {nul, Name(<<"a", 0, "@127.0.0.1">>)},
           {long_name, Name(<<(binary:copy(<<"a">>, 300))/binary, "@127.0.0.1">>)},
           {name_in_utf8, Name(<<"næste"/utf8, 1, "@127.0.0.1">>)},
           {name_of_255_letters, Name(<<(binary:copy(<<"a">>, 255))/binary, "@127.0.0.1">>)},
           {empty_name, Name(<<>>)}, {empty_alive, Name(<<"@127.0.0.1">>)},
           {old_name_cut, message([$n, 0])}, {old_name_flags_missing, message([$n, <<5:16, 1:32>>, "a@b"])},
           {name_longer_than_packet, message([$N, <<?FLAGS:64, 1:32, 500:16>>, "a@b"])},
           {flags_missing, message([$N, <<1:64, 1:32, 3:16>>, "a@b"])},
           {empty_message, <<0:16>>},
           {reply_first, message([$r, <<0:32, 0:128>>])},
           {name_me_with_a_name, message([$N, <<(?FLAGS bor (1 bsl 33)):64, 1:32, 11:16>>, "a@127.0.0.1"])},
           {name_me_without_a_host, message([$N, <<(?FLAGS bor (1 bsl 33)):64, 1:32, 0:16>>])}],
    [{Case, fun() -> Raw(Bytes) end} || {Case, Bytes} <- Bad] ++
    [{wrong_digest, fun() -> refused(Node, fun(_, _) -> <<0:128>> end) end},
     {short_reply, fun() ->
        {S, _} = challenged(Node, <<"x@127.0.0.1">>),
        ok = gen_tcp:send(S, message([$r, <<0:32, 0:120>>])),
        closed(S), calm(Node)
      end},
     {two_names, fun() ->
        {S, _} = challenged(Node, <<"x@127.0.0.1">>),
        ok = gen_tcp:send(S, Name(<<"x@127.0.0.1">>)),
        closed(S), calm(Node)
      end},
     {own_name, fun() ->
        {ok, S} = gen_tcp:connect({127, 0, 0, 1}, Port, [binary, {active, false}]),
        ok = gen_tcp:send(S, Name(atom_to_binary(maps:get(name, Node)))),
        {ok, <<4:16, "snok">>} = gen_tcp:recv(S, 6, 2000),
        closed(S)
      end},
     {half_open, fun() ->
        %% More than the node keeps; an honest peer still gets in.
        Sockets = [begin {ok, S} = gen_tcp:connect({127, 0, 0, 1}, Port, [binary, {active, false}]), S end
                   || _ <- lists:seq(1, 300)],
        S = connect(Node, ?FLAGS),
        gen_tcp:close(S),
        [gen_tcp:close(X) || X <- Sockets],
        calm(Node)
      end},
     {alive_race, fun() ->
        Who = <<"twin@127.0.0.1">>,
        S1 = connect(Node, ?FLAGS, Who),
        %% The second is told that it is connected; the first lives until the second has proved itself.
        {ok, S2} = gen_tcp:connect({127, 0, 0, 1}, Port, [binary, {active, false}]),
        ok = gen_tcp:send(S2, Name(Who)),
        {ok, <<6:16, "salive">>} = gen_tcp:recv(S2, 8, 2000),
        ok = gen_tcp:send(S2, message("strue")),
        {ok, _} = gen_tcp:recv(S2, 0, 2000),
        ok = gen_tcp:send(S2, message([$r, <<0:32, 0:128>>])),
        closed(S2),
        ok = gen_tcp:send(S1, <<0:32>>),
        {error, timeout} = gen_tcp:recv(S1, 0, 100),
        {ok, S3} = gen_tcp:connect({127, 0, 0, 1}, Port, [binary, {active, false}]),
        ok = gen_tcp:send(S3, Name(Who)),
        {ok, <<6:16, "salive">>} = gen_tcp:recv(S3, 8, 2000),
        ok = gen_tcp:send(S3, message("strue")),
        prove(S3),
        closed(S1),
        gen_tcp:close(S3)
      end}].

message(Parts) ->
    Bytes = iolist_to_binary(Parts),
    <<(byte_size(Bytes)):16, Bytes/binary>>.

%% Reads until the node hangs up.
closed(S) ->
    case gen_tcp:recv(S, 0, 10000) of
        {ok, _} -> closed(S);
        {error, Reason} when Reason =:= closed; Reason =:= econnreset -> gen_tcp:close(S);
        {error, Other} -> error({still_open, Other})
    end.

challenged(#{tcp := Port}, Who) -> challenged(Port, Who, ?FLAGS).
challenged(Port, Who, Flags) ->
    {ok, S} = gen_tcp:connect({127, 0, 0, 1}, Port, [binary, {active, false}, {nodelay, true}]),
    ok = gen_tcp:send(S, message([$N, <<Flags:64, 7:32, (byte_size(Who)):16>>, Who])),
    {ok, <<3:16, "sok">>} = gen_tcp:recv(S, 5, 5000),
    {S, challenge(S)}.

challenge(S) ->
    {ok, <<Length:16>>} = gen_tcp:recv(S, 2, 5000),
    {ok, <<$N, _:64, Challenge:32, _/binary>>} = gen_tcp:recv(S, Length, 5000),
    Challenge.

digest(Challenge) -> erlang:md5([atom_to_list(erlang:get_cookie()), integer_to_list(Challenge)]).

refused(Node, Digest) ->
    {S, Challenge} = challenged(Node, <<"x@127.0.0.1">>),
    ok = gen_tcp:send(S, message([$r, <<0:32>>, Digest(S, Challenge)])),
    closed(S),
    calm(Node).

prove(S) -> prove(S, challenge(S)).
prove(S, Challenge) ->
    ok = gen_tcp:send(S, message([$r, <<99:32>>, digest(Challenge)])),
    {ok, <<17:16, $a, Ack:16/binary>>} = gen_tcp:recv(S, 19, 5000),
    Ack = digest(99).

connect(Node, Flags) -> connect(Node, Flags, iolist_to_binary(io_lib:format("x~b@127.0.0.1", [erlang:unique_integer([positive])]))).
connect(#{tcp := Port}, Flags, Who) ->
    {S, Challenge} = challenged(Port, Who, Flags),
    prove(S, Challenge),
    S.

%% Frames after a good handshake -------------------------------------------------------------------------

packet(Bytes) -> B = iolist_to_binary(Bytes), <<(byte_size(B)):32, B/binary>>.
ext(Term) -> <<131, Bytes/binary>> = term_to_binary(Term), Bytes.
control(Control) -> packet([131, 68, 0, ext(Control)]).
control(Control, Payload) -> packet([131, 68, 0, ext(Control), Payload]).

frames(#{name := N} = Node) ->
    Self = self(),
    Ref = make_ref(),
    P0 = persistent_term:get({?MODULE, call}),
    P = erpc:call(N, test, echo, [self()]),
    %% OTP's distribution_SUITE, bad_dist_structure
    Structure =
        [{21, Self, P, normal}, {21, Self, P, normal, normal}, {1}, {4, Self}, {4, Self, Ref}, {4, Ref, P}, {4, normal, normal},
         {19, Self, P}, {19, Self, P, normal}, {20, Self, P}, {20, Self, P, normal}, {3, Self, P}, {3, Ref, normal, normal},
         {13, Self, token, P}, {13, Ref, token, normal, normal}, {8, Self, P}, {8, Ref, normal, normal}, {18, Self, token, P},
         {18, Ref, token, normal, normal}, {7, Self}, {7, Self, atomic}, {7, replace, P}, {16, Self, '', name},
         {16, replace, '', name, token}, {6, Self, ''}, {6, replace, '', P}, {6, replace, '', name}, {6, Self, '', name, {token}},
         {12, '', P}, {12, '', name, token}, {2, ''}, {2, '', name}, {2, '', P, {token}},
         {99}, {37, 0, Self, P}, {op}, [29], 29, {}, {35, 0, Self, P}, {35, 1 bsl 64, Self, P}, {35, -1, Self, P},
         {36, 0, Self, P}, {36, 1 bsl 64, Self, P}, {33, Self, Self}, {34, Self, Self, token}, {24, Self}, {24, Ref, P}, {26, Self},
         {26, normal, P}, {27, Self, P}, {25, Self, P}, {28, Self, P}, {28, Self, P, normal}, {22, Self},
         {22, Ref, P}, {23, Self, P}, {30, Ref, Self, Self, {a, b, 1}, []}, {32, Ref, Self, 0, Self}, {29, Ref, Self, Self, {a, b}, []}, {29, Ref, Self, Self, {a, b, c}, []},
         {29, Ref, Self, Self, {a, b, 1}, none}, {31, Ref, Self, x, Self}, {5.0, Self, P}, {1, Self, P, extra}],
    Fatal =
        [{one_byte, packet(<<131>>)}, {the_byte_p, packet("p")}, {p_alone, packet(<<112, 131, 104>>)},
         {control_nested, packet([131, 68, 0, binary:copy(<<104, 1>>, 1000000)])},
         {control_with_a_long_name, packet([131, 68, 0, 104, 4, 97, 6, ext(Self), <<119, 0>>, 118, <<1008:16>>, binary:copy(<<"x">>, 1000)])},
         {cached_atoms_that_are_none, packet(<<131, 68, 3, 16#88, 16#08, 1, 1, "a", 2, 1, "b", 3, 1, "c", 104, 4, 97, 6, 82, 137, 82, 0, 82, 1>>)},
         {control_cut_in_the_first_fragment, [packet(<<131, 69, 1:64, 2:64, 0, 104, 3, 97, 2>>), packet(<<131, 70, 1:64, 1:64, 119, 0>>)]},
         {fragment_after_the_last, [packet(<<131, 69, 1:64, 1:64, 0, (ext({2, '', P}))/binary, (ext(x))/binary>>), packet(<<131, 70, 1:64, 1:64, 1>>)]},
         {fragment_up, [packet(<<131, 69, 1:64, 3:64, 0, (ext({2, '', P}))/binary>>), packet(<<131, 70, 1:64, 4:64, 1>>)]},
         {fragment_zero_at_last, [packet(<<131, 69, 1:64, 2:64, 0, (ext({2, '', P}))/binary>>), packet(<<131, 70, 1:64, 0:64, 1>>)]},
         {fragment_header_cut, packet(<<131, 69, 1:64, 2:32>>)},
         {bad_term_in_fragments, [packet(<<131, 69, 1:64, 2:64, 0, (ext({6, Self, '', test}))/binary>>), packet(<<131, 70, 1:64, 1:64, 82, 137>>)]},
         {nested_ten_million_deep, [packet(<<131, 69, 1:64, 21:64, 0, (ext({6, Self, '', test}))/binary>>) |
                                    [packet(<<131, 70, 1:64, (21 - I):64, (binary:copy(<<104, 1>>, 500000))/binary>>) || I <- lists:seq(1, 20)]]},
         {bad_payload_five_times, [control({6, Self, '', test}, <<82, 137>>) || _ <- lists:seq(1, 5)]},
         {bad_payload_to_a_call, control({22, Self, P0}, <<63, 66>>)},
         {bad_reference, [packet([131, 68, 0, 104, 4, 97, 19, ext(Self), ext(test), <<90, 0:16, 119, 1, "a", 0:32>>])]},
         {bad_spawn_of_a_job, [control({29, Ref, Self, Self, {test, sleep, 1}, [monitor]}, <<108, 1:32, 82, 137, 106>>)]},
         {wrong_lead, packet(<<112, 131>>)}, {q, packet("q")}, {wrong_kind, packet(<<131, 99, 0>>)},
         {header_only, packet(<<131, 68, 0>>)}, {atom_cache, packet(<<131, 68, 255>>)},
         {truncated_control, packet(<<131, 68, 0, 104, 4, 97, 6>>)},
         {huge_length, <<16#7fffffff:32>>}, {all_ones_length, <<16#ffffffff:32>>}, {over_the_limit, <<(17 bsl 20):32>>},
         {continuation_first, packet(<<131, 70, 1:64, 1:64, 1, 2, 3>>)},
         {fragment_zero, packet(<<131, 69, 1:64, 0:64, 0, (ext({2, '', P}))/binary>>)},
         {fragment_skipped, [packet(<<131, 69, 1:64, 3:64, 0, (ext({2, '', P}))/binary>>), packet(<<131, 70, 1:64, 1:64, 1>>)]},
         {sequence_twice, [packet(<<131, 69, 1:64, 3:64, 0, (ext({2, '', P}))/binary>>) || _ <- [1, 2]]},
         {fragment_bad_control, packet(<<131, 69, 1:64, 1:64, 0, (ext({2, ''}))/binary>>)},
         {sequences, [packet(<<131, 69, S:64, 3:64, 0, (ext({2, '', P}))/binary>>) || S <- lists:seq(1, 2000)]},
         {monitors, [control({19, Self, test, make_ref()}) || _ <- lists:seq(1, 1100)]},
         {bad_arguments, [control({29, Ref, Self, Self, {erpc, execute_call, 4}, [monitor]}, <<82, 0>>)]},
         {arguments_of_another_arity, [control({29, Ref, Self, Self, {erpc, execute_call, 4}, [monitor]}, ext([1, 2]))]},
         {no_arguments, [control({29, Ref, Self, Self, {erpc, execute_call, 4}, [monitor]})]}]
        ++ [{list_to_atom("bad_payload_" ++ integer_to_list(I)), control({6, Self, '', test}, Bytes)}
            || {I, Bytes} <- lists:enumerate(payloads())]
        ++ [{list_to_atom(lists:flatten(io_lib:format("bad_structure_~0p", [C]))), packet([131, 68, 0, ext(C)])} || C <- Structure]
        ++ [{bad_reason, control({Op, Self, P}, <<Tag>>)} || Op <- [24, 26], Tag <- [131, 132, 133, 80]],
    Harmless =
        [{fragments_too_long, [packet(<<131, 69, 1:64, 1000:64, 0, (ext({2, '', P}))/binary>>) |
                               [packet(<<131, 70, 1:64, (1000 - I):64, 0:(8 * 1048576)>>) || I <- lists:seq(1, 40)]]},
         {fragments_never_finished, [packet(<<131, 69, S:64, N0:64, 0, (ext({2, '', P}))/binary>>) || {S, N0} <- [{1, 1 bsl 40}, {2, (1 bsl 64) - 1}, {3, 3}]]},
         {a_hundred_thousand_atoms, control({6, Self, '', test}, [<<108, 100000:32>>, [<<119, 8, (integer_to_binary(10000000 + I))/binary>> || I <- lists:seq(1, 100000)], 106])},
         {wrong_creation, [control({22, Self, other_life(P0)}, ext(x)), control({26, Self, other_life(P0)}, ext(kill)),
                           control({1, Self, other_life(P0)})]},
         %% What nobody waits for is not looked into.
         {bad_reasons_of_monitors, [control({28, Self, P, Ref}, <<Tag>>) || Tag <- [131, 132, 133]]},
         {answers_that_nobody_asked_for, [control({28, P, Self, Ref}, ext(normal)), control({28, name, Self, Ref}, ext(normal)),
                                          control({31, Ref, Self, 0, P}), control({36, 1, P, P0})]},
         {tick, <<0:32>>}, {ticks, binary:copy(<<0:32>>, 1000)},
         {unknown_name, control({6, Self, '', nobody}, ext(x))}, {unknown_pid, control({2, '', Self}, ext(x))},
         {foreign_pid, control({22, Self, Self}, ext(x))}, {late_demonitor, control({20, Self, P, Ref})},
         {stale_alias, control({33, Self, Ref}, ext(x))}, {stale_exit, control({24, Self, P}, ext(x))},
         {stale_kill, control({26, Self, P}, ext(x))}, {late_spawn_reply, control({31, Ref, Self, 0, x})},
         {unasked_ack, control({36, 5, Self, P})}, {largest_unlink, control({35, (1 bsl 64) - 1, Self, P})},
         {trace_tokens, [control({16, Self, '', nobody, tok}, ext(x)), control({12, '', Self, tok}, ext(x)),
                         control({23, Self, Self, tok}, ext(x)), control({30, make_ref(), Self, Self, {test, null, 0}, [], t}, ext([]))]},
         {old_exits, [control({3, Self, P, why}), control({8, Self, P, why}), control({21, Self, P, Ref, why})]},
         {trailing_bytes, control({6, Self, '', nobody}, [ext(x), <<1, 2, 3>>])},
         {latin1_atoms, packet([131, 68, 0, 104, 4, 97, 6, ext(Self), <<100, 0:16, 100, 4:16, "test">>, ext(x)])},
         {sequence_zero, packet(<<131, 69, 0:64, 1:64, 0, (ext({2, '', P}))/binary, (ext(x))/binary>>)},
         {rubbish_for_servers, [control({6, Self, '', Name}, ext(M)) || Name <- [rex, net_kernel, test],
             M <- [x, {}, {1}, {'$gen_call', x, y}, {'$gen_call', {Self, x}, y}, {'$gen_call', {x, Ref}, y},
                   {'$gen_call', {Self, [alias | Self]}, {echo, 1}}, {'$gen_cast', x}, {Self, x}, {Self, {call, 1, 2, 3, 4}},
                   {'$gen_call', {Self, Ref}, {call, 1, 2, 3, 4}}, {'$gen_call', {Self, Ref}, {is_auth, 1, 2}}]]}],
    [{Case, fun() -> dropped(Node, Bytes) end} || {Case, Bytes} <- Fatal] ++
    [{Case, fun() -> kept(Node, Bytes) end} || {Case, Bytes} <- Harmless] ++
    [{stall_in_a_packet, fun() ->
        S = connect(Node, ?FLAGS),
        ok = gen_tcp:send(S, <<(15 bsl 20):32, 131, 68>>),
        calm(Node),
        gen_tcp:close(S)
      end},
     {link_flood, fun() ->
        %% What it linked to goes with it, as on a BEAM, and nothing else.
        P1 = spawn(N, test, sleep, [600000]),
        S = connect(Node, ?FLAGS),
        _ = gen_tcp:send(S, [control({1, pid(I), P1}) || I <- lists:seq(1, 1100)]),
        closed(S),
        node_kit:wait(fun() -> erpc:call(N, test, sleeping, []) =:= ?CALM end)
      end},
     {spawn_flood, fun() ->
        S = connect(Node, ?FLAGS),
        ok = gen_tcp:send(S, [control({29, make_ref(), Self, Self, {test, sleep, 1}, []}, ext([600000])) || _ <- lists:seq(1, 5000)]),
        node_kit:wait(fun() -> erpc:call(N, test, sleeping, []) =:= 1024 + ?CALM end),
        gen_tcp:close(S),
        node_kit:wait(fun() -> erpc:call(N, test, sleeping, []) =:= ?CALM end)
      end},
     {half_closed, fun() ->
        %% It will say no more, so its calls are given up.
        S = connect(Node, ?FLAGS),
        ok = gen_tcp:send(S, control({29, make_ref(), Self, Self, {test, sleep, 1}, []}, ext([600000]))),
        node_kit:wait(fun() -> erpc:call(N, test, sleeping, []) =:= 1 + ?CALM end),
        ok = gen_tcp:shutdown(S, write),
        closed(S),
        node_kit:wait(fun() -> erpc:call(N, test, sleeping, []) =:= ?CALM end)
      end},
     {a_peer_that_does_not_read, fun() ->
        S = connect(Node, ?FLAGS),
        ok = gen_tcp:send(S, [control({29, make_ref(), Self, Self, {test, blob, 1}, [monitor]}, ext([1 bsl 20])) || _ <- lists:seq(1, 50)]),
        timer:sleep(100),
        calm(Node),
        gen_tcp:close(S)
      end}].

%% Payloads that are no term.
payloads() ->
    <<131, Bomb/binary>> = term_to_binary(binary:copy(<<0>>, 10 bsl 20), [compressed]),
    [<<>>, <<255>>, Bomb, <<80, 100:32, 1, 2>>, <<82, 0>>, <<82, 137>>, <<63, 66>>, <<90, 0:16, 119, 1, "a", 0:32>>, <<68, 0>>, <<131, 97, 1>>, <<70, 127, 248, 0:48>>, <<70, 127, 240, 0:48>>,
     <<109, 16#7fffffff:32, 1, 2, 3>>, <<107, 65535:16, 1, 2>>, <<105, 255:32, 97, 1, 97, 2, 97, 3>>, <<104, 255, 97, 1>>,
     <<108, 16#7fffffff:32, 255>>, <<108, 16#7fffffff:32, (binary:copy(<<97, 1>>, 1000))/binary>>, <<116, 16#80000000:32, 97, 1>>,
     <<77, 1:32, 0, 1>>, <<77, 1:32, 9, 1>>, <<111, 16#80000000:32, 0, 1>>, <<110, 200, 0, 1>>, <<118, 65535:16, "a">>,
     <<119, 2, 255, 255>>, <<118, 1008:16, (binary:copy(<<"a">>, 1008))/binary>>, <<90, 65535:16, 119, 1, "a", 0:32>>,
     <<90, 6:16, 119, 1, "a", 1:32, 0:192>>, <<99, "nan", 0:224>>,
     binary:copy(<<108, 1:32>>, 1000000), binary:copy(<<104, 1>>, 1000000)].

%% The pid in another life of its node.
other_life(Pid) ->
    <<131, 88, Rest/binary>> = term_to_binary(Pid),
    Size = byte_size(Rest) - 4,
    <<Start:Size/binary, Creation:32>> = Rest,
    binary_to_term(<<131, 88, Start/binary, (Creation bxor 1):32>>).

%% One of many processes of some node.
pid(I) -> binary_to_term(<<131, 88, 119, 5, "any@h", I:32, 0:32, 7:32>>).

%% What an old connection sends does not end the new one of the same name.
names_taken_over(Node) ->
    [{bad_payload_of_an_old_connection, fun() ->
        Who = <<"again@127.0.0.1">>,
        S1 = connect(Node, ?FLAGS, Who),
        {ok, S2} = gen_tcp:connect({127, 0, 0, 1}, maps:get(tcp, Node), [binary, {active, false}, {nodelay, true}]),
        ok = gen_tcp:send(S2, message([$N, <<?FLAGS:64, 8:32, (byte_size(Who)):16>>, Who])),
        {ok, <<6:16, "salive">>} = gen_tcp:recv(S2, 8, 2000),
        ok = gen_tcp:send(S2, message("strue")),
        _ = gen_tcp:send(S1, packet([131, 68, 0, ext({6, self(), '', test}), <<82, 137>>])),
        prove(S2),
        closed(S1),
        alive(S2),
        gen_tcp:close(S2),
        calm(Node)
      end}].

%% Senders that end in the middle of a message: by their connection, and as processes of a real BEAM.
dying_senders(#{name := N} = Node) ->
    P = persistent_term:get({?MODULE, call}),
    [{closed_in_the_middle, fun() ->
        [begin
             S = connect(Node, ?FLAGS),
             ok = gen_tcp:send(S, Bytes),
             gen_tcp:close(S)
         end || Bytes <- [packet(<<131, 69, 1:64, 3:64, 0, (ext({2, '', P}))/binary>>), <<100:32, 131>>, <<0, 0>>,
                          [packet(<<131, 69, 1:64, 3:64, 0, (ext({2, '', P}))/binary>>), <<1000000:32, 131, 70, 1:64, 2:64, 0:80000>>]]],
        calm(Node)
      end},
     {killed_while_it_sends, fun() ->
        Big = binary:copy(<<7>>, 8 bsl 20),
        [begin
             Pid = spawn(fun() -> [{test, N} ! Big || _ <- lists:seq(1, 4)], erpc:call(N, test, size, [Big]) end),
             timer:sleep(I),
             exit(Pid, kill)
         end || I <- lists:seq(0, 20)],
        %% While others' are on their way the node may be busy; none of them may keep its room.
        [node_kit:wait(fun() -> 8388608 =:= try erpc:call(N, test, size, [Big]) catch error:{erpc, busy} -> busy end end, 15000)
         || _ <- [1, 2, 3]],
        calm(Node)
      end}].

dropped(Node, Bytes) ->
    S = connect(Node, ?FLAGS),
    _ = gen_tcp:send(S, Bytes),  % the node may hang up before all is sent
    closed(S),
    calm(Node).

kept(Node, Bytes) ->
    S = connect(Node, ?FLAGS),
    ok = gen_tcp:send(S, Bytes),
    alive(S),
    gen_tcp:close(S),
    calm(Node).

%% A ping by hand shows that what was sent before it has been read, and the connection is there.
alive(S) ->
    Ref = make_ref(),
    ok = gen_tcp:send(S, control({6, self(), '', net_kernel}, ext({'$gen_call', {self(), Ref}, {is_auth, node()}}))),
    pong(S, <<119, 3, "yes">>).

pong(S, Wanted) ->
    {ok, <<Length:32>>} = gen_tcp:recv(S, 4, 5000),
    {ok, Packet} = case Length of 0 -> {ok, <<>>}; _ -> gen_tcp:recv(S, Length, 5000) end,
    case binary:match(Packet, Wanted) of
        nomatch -> pong(S, Wanted);
        _ -> ok
    end.

%% A peer without fragments gets and sends the older framing, large messages in one packet.
plain_peer(N) ->
    {port, Port, 6} = erl_epmd:port_please(hd(string:lexemes(atom_to_list(N), "@")), {127, 0, 0, 1}),
    S = connect(#{tcp => Port}, ?FLAGS band bnot ?FRAGMENTS),
    Ref = make_ref(),
    Send = fun(Message) -> ok = gen_tcp:send(S, packet([112, 131, ext({6, self(), '', test}), 131, ext(Message)])) end,
    Send({'$gen_call', {self(), Ref}, {blob, 1 bsl 20}}),
    {ok, <<Length:32>>} = gen_tcp:recv(S, 4, 5000),
    {ok, <<112, 131, Rest/binary>>} = gen_tcp:recv(S, Length, 5000),
    {{22, _, _}, Used} = binary_to_term(<<131, Rest/binary>>, [used]),
    <<_:(Used - 1)/binary, Payload/binary>> = Rest,
    {Ref, Blob} = binary_to_term(Payload),
    true = byte_size(Blob) =:= 1 bsl 20,
    gen_tcp:close(S).
