%% The node under TLS against `erl -proto_dist inet_tls', with certificates made here. Needs the program openssl.
-module(node_tls).

-export([cases/0, calls/1]).

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

optfile(Dir, File, Cert, Versions) ->
    F = fun(Name) -> filename:join(Dir, Name) end,
    Common = [{cacertfile, F("ca.pem")}, {certfile, F(Cert ++ ".pem")}, {keyfile, F(Cert ++ ".key")}, {verify, verify_peer},
              {versions, Versions}],
    ok = file:write_file(F(File), io_lib:format("~p.~n", [[{server, [{fail_if_no_peer_cert, true} | Common]}, {client, Common}]])).

erl(Dir, File, Eval) -> run(["-proto_dist", "inet_tls", "-ssl_dist_optfile", filename:join(Dir, File)], Eval).
plain(Eval) -> run([], Eval).
run(Args, Eval) ->
    node_kit:beam(["-sname", lists:concat(["c_", erlang:unique_integer([positive]), "@localhost"]) | Args], Eval).

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
