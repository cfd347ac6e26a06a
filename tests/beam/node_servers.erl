%% The names of the node: gen_server calls and casts, rex, net_kernel; unknown names and strangers.
-module(node_servers).

-export([cases/1]).

cases(N) ->
    [{gen_call, fun() ->
        hi = gen_server:call({test, N}, {echo, hi}),
        ok = gen_server:call({test, N}, null),
        ok = gen_server:call({test, N}, {null}),
        {badrpc, {'EXIT', {boom, _}}} = gen_server:call({test, N}, {error, boom}),
        {[{N, 1}], []} = gen_server:multi_call([N], test, {echo, 1})
      end},
     {gen_call_undef, fun() ->
        {error, #{reason := undef, message := _}} = gen_server:call({test, N}, {no_such, 1}),
        {error, #{reason := undef}} = gen_server:call({test, N}, "text")
      end},
     {gen_call_timeout_cancels, fun() ->
        try gen_server:call({test, N}, {sleep, 60000}, 50) catch exit:{timeout, _} -> ok end,
        slept_out(N)
      end},
     {gen_call_killed_caller_cancels, fun() ->
        Pid = spawn(fun() -> gen_server:call({test, N}, {sleep, 60000}, infinity) end),
        node_kit:wait(fun() -> call(N, sleeping, []) =:= 1 end),
        exit(Pid, kill),
        slept_out(N)
      end},
     {gen_call_unknown, fun() -> try gen_server:call({no_such, N}, x) catch exit:{noproc, _} -> ok end end},
     {gen_call_without_alias, fun() ->
        Ref = make_ref(),
        {test, N} ! {'$gen_call', {self(), Ref}, {echo, old}},
        receive {Ref, old} -> ok end
      end},
     {casts_and_strangers, fun() ->
        ok = gen_server:cast({test, N}, {echo, 1}),
        {test, N} ! hello,
        {no_such, N} ! hello,
        ok = gen_server:cast({no_such, N}, hello),
        {Pid, Ref} = spawn_monitor(N, test, null, []),
        receive {'DOWN', Ref, _, _, normal} -> ok end,
        Pid ! hello,
        exit(Pid, x),
        ok = call(N, null, [])
      end},
     {rex, fun() ->
        {rex, N} ! {self(), features_request},
        receive {features_reply, N, [erpc]} -> ok end,
        {rex, N} ! {self(), {call, test, echo, [7], group_leader()}},
        receive {rex, 7} -> ok end,
        gen_server:cast({rex, N}, {cast, test, echo, [7], group_leader()}),
        {badrpc, notsup} = gen_server:call({rex, N}, what)
      end},
     {net_kernel, fun() -> yes = gen_server:call({net_kernel, N}, {is_auth, node()}),
                           {error, bad_request} = gen_server:call({net_kernel, N}, what) end},
     {flags, fun() ->
        Ours = 16#D07DF5FBC,
        Cache = 16#2000,
        0 = (Ours bor Cache bor 1) band bnot (erts_internal_flags() bor 1)
      end}].

%% What this BEAM announces; later ones announce more.
erts_internal_flags() ->
    Flags = erts_internal:get_dflags(),
    lists:max([F || F <- tuple_to_list(Flags), is_integer(F)]).

call(N, F, A) -> erpc:call(N, test, F, A).

slept_out(N) -> node_kit:wait(fun() -> call(N, sleeping, []) =:= 0 end).
