%% The node under TLS against `erl -proto_dist inet_tls', with certificates made here. Needs the program openssl.
-module(node_tls).

-export([cases/0, calls/1, waits_for/1]).

cases() ->
    [{tls, fun() ->
        Dir = filename:join(os:getenv("RUN"), "tls"),
        ok = file:make_dir(Dir),
        authority(Dir, "ca"),
        authority(Dir, "other"),
        [certificate(Dir, Name, By) || {Name, By} <- [{"node", "ca"}, {"client", "ca"}, {"stranger", "other"}]],
        Node = start(Dir, []),
        #{name := N} = Node,
        [begin
             optfile(Dir, File, Cert, Versions),
             "ok" ++ _ = erl(Dir, File, io_lib:format("node_tls:calls('~s')", [N]))
         end || {File, Cert, Versions} <- [{"v13", "client", ['tlsv1.3']}, {"v12", "client", ['tlsv1.2']}]],
        Ping = io_lib:format("io:format(\"~~p~~n\", [net_adm:ping('~s')])", [N]),
        optfile(Dir, "strange", "stranger", ['tlsv1.3']),
        "pang" ++ _ = erl(Dir, "strange", Ping),
        "pang" ++ _ = plain(Ping),
        0 = node_kit:stop(Node)
      end},
     {tls_by_the_same_file, fun() ->
        %% One file for the node, for those who connect to it and for the BEAM that it connects to.
        Dir = filename:join(os:getenv("RUN"), "tls_file"),
        ok = file:make_dir(Dir),
        authority(Dir, "ca"),
        authority(Dir, "other"),
        certificate(Dir, "any", "ca"),
        certificate(Dir, "stranger", "other"),
        [begin
             optfile(Dir, "both", "any", Versions, More),
             Peer = lists:concat(["c_", erlang:unique_integer([positive]), "@localhost"]),
             Node = by_file(Dir, "both", ["--connect", Peer]),
             #{name := N} = Node,
             "ok" ++ _ = erl(Dir, "both", io_lib:format("node_tls:calls('~s')", [N])),
             "ok" ++ _ = erl(Peer, Dir, "both", io_lib:format("node_tls:waits_for('~s')", [N])),
             optfile(Dir, "strange", "stranger", ['tlsv1.2', 'tlsv1.3'], []),
             "pang" ++ _ = erl(Dir, "strange", io_lib:format("io:format(\"~~p~~n\", [net_adm:ping('~s')])", [N])),
             0 = node_kit:stop(Node)
         end || {Versions, More} <- [{['tlsv1.3'], []},
                                     {['tlsv1.2'], [{ciphers, ["ECDHE-RSA-AES256-GCM-SHA384"]}, {depth, 1}]},
                                     {['tlsv1.2', 'tlsv1.3'], [{secure_renegotiate, true}, {supported_groups, [x25519]}]}]],
        {2, Said} = refused_file(Dir, "[{server, [{certfil, \"any.pem\"}]}]."),
        {_, _} = binary:match(Said, <<"did you mean certfile?">>),
        {2, Fun} = refused_file(Dir, "[{server, [{certfile, \"any.pem\"}, {verify_fun, {a, b, c}}]}]."),
        {_, _} = binary:match(Fun, <<"does not fit">>)
      end},
     {tls_options, fun() ->
        [{2, _} = node_kit:start_fails(test, node_kit:name(tls), Args)
         || Args <- [["--tls-certfile", "x"], ["--tls-keyfile", "x"], ["--tls-no-verify"]]],
        {1, Said} = node_kit:start_fails(test, node_kit:name(tls), ["--tls-certfile", "none.pem", "--tls-keyfile", "none.key",
                                                                    "--tls-no-verify"]),
        {_, _} = binary:match(Said, <<"none.pem">>)
      end}].

%% Run by the BEAM under TLS.
calls(N) ->
    pong = net_adm:ping(N),
    {1, [2.0]} = erpc:call(N, test, echo, [{1, [2.0]}]),
    Blob = binary:copy(<<"abc">>, 1 bsl 20),
    Blob = erpc:call(N, test, echo, [Blob]),
    hi = gen_server:call({test, N}, {echo, hi}),
    8388608 = byte_size(erpc:call(N, test, blob, [8388608])),
    io:format("ok~n").

start(Dir, More) ->
    File = fun(Name) -> filename:join(Dir, Name) end,
    {ok, Host} = {ok, "localhost"},
    Name = lists:concat(["tls_", erlang:unique_integer([positive]), "@", Host]),
    node_kit:start_named(test, "--sname", Name, ["--tls-certfile", File("node.pem"), "--tls-keyfile", File("node.key"),
                                                 "--tls-cacertfile", File("ca.pem") | More]).

by_file(Dir, File, Args) ->
    Name = lists:concat(["tls_", erlang:unique_integer([positive]), "@localhost"]),
    node_kit:start_named(test, "--sname", Name, ["--ssl-dist-optfile", filename:join(Dir, File) | Args]).

refused_file(Dir, Text) ->
    File = filename:join(Dir, "refused"),
    ok = file:write_file(File, Text),
    node_kit:start_fails(test, node_kit:name(tls), ["--ssl-dist-optfile", File]).

optfile(Dir, File, Cert, Versions) -> optfile(Dir, File, Cert, Versions, []).
optfile(Dir, File, Cert, Versions, More) ->
    F = fun(Name) -> filename:join(Dir, Name) end,
    Common = [{cacertfile, F("ca.pem")}, {certfile, F(Cert ++ ".pem")}, {keyfile, F(Cert ++ ".key")}, {verify, verify_peer},
              {versions, Versions} | More],
    ok = file:write_file(F(File), io_lib:format("~p.~n", [[{server, [{fail_if_no_peer_cert, true} | Common]}, {client, Common}]])).

waits_for(N) ->
    node_kit:wait(fun() -> lists:member(N, nodes(hidden)) end, 20000),
    calls(N).

erl(Dir, File, Eval) -> erl(lists:concat(["c_", erlang:unique_integer([positive]), "@localhost"]), Dir, File, Eval).
erl(Name, Dir, File, Eval) -> run(Name, ["-proto_dist", "inet_tls", "-ssl_dist_optfile", filename:join(Dir, File)], Eval).
plain(Eval) -> run(lists:concat(["c_", erlang:unique_integer([positive]), "@localhost"]), [], Eval).
run(Name, Args, Eval) -> node_kit:beam(["-sname", Name | Args], Eval).

openssl(Dir, Args) ->
    Said = os:cmd(lists:flatten(["cd ", Dir, " && openssl ", Args, " 2>&1 && echo done"])),
    case string:find(Said, "done") of nomatch -> error({openssl, Said}); _ -> ok end.

authority(Dir, Name) ->
    openssl(Dir, ["req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=", Name, " -keyout ", Name, ".key -out ", Name, ".pem"]).

certificate(Dir, Name, By) ->
    openssl(Dir, ["req -new -newkey rsa:2048 -nodes -subj /CN=localhost -keyout ", Name, ".key -out ", Name, ".csr"]),
    ok = file:write_file(filename:join(Dir, "san"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n"),
    openssl(Dir, ["x509 -req -days 2 -in ", Name, ".csr -CA ", By, ".pem -CAkey ", By, ".key -CAcreateserial -extfile san -out ",
                  Name, ".pem"]).
