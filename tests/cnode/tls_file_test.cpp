#include "cnode/tls_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "error.h"

namespace drey::cnode {
namespace {

std::string refusal(std::string_view text) {
  try {
    (void)parse_tls_file(text);
  } catch (const Error& error) {
    EXPECT_EQ(error.reason(), "bad_tls");
    return error.message();
  }
  ADD_FAILURE() << "taken: " << text.substr(0, 100);
  return {};
}
/// A file whose server has these options beside those that it needs.
std::string with(const std::string& options) {
  return "[{server, [{certfile, \"a.pem\"}, {cacertfile, \"ca.pem\"}, " + options + "]}].";
}

TEST(TlsFile, OfErlangsGuide) {
  const TlsFile file = parse_tls_file(R"(
    [{server,
      [{certfile, "/home/me/ssl/good.pem"},
       {keyfile, "/home/me/ssl/good.key"}, % the key
       {cacertfile, "ca.pem"}, {verify, verify_peer}, {fail_if_no_peer_cert, true},
       {secure_renegotiate, true}]},
     {client,
      [{secure_renegotiate, true}, {cacertfile, "ca.pem"}, {certfile, "c.pem"}, {verify, verify_peer}]}].)");
  ASSERT_TRUE(file.options.server && file.options.client);
  EXPECT_EQ(file.options.server->certfile, "/home/me/ssl/good.pem");
  EXPECT_EQ(file.options.server->keyfile, "/home/me/ssl/good.key");
  EXPECT_TRUE(file.options.server->verify);
  EXPECT_TRUE(file.options.server->fail_if_no_peer_cert);
  EXPECT_EQ(file.options.client->certfile, "c.pem");
  EXPECT_EQ(file.options.client->keyfile, "");
  EXPECT_EQ(file.notes.size(), 2u) << "that renegotiation is OpenSSL's, in both roles";
}

TEST(TlsFile, EveryOption) {
  const TlsFile file = parse_tls_file(
      R"([{server, [{certfile, <<"a.pem">>}, {password, "pw"}, {depth, 2}, {versions, ['tlsv1.3']},
                    {ciphers, ["TLS_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384"]}, {honor_cipher_order, true},
                    {supported_groups, [x25519, secp256r1]}]},
          {client, [{cacertfile, "ca.pem"}, {versions, ['tlsv1.2', 'tlsv1.3']}, {ciphers, "A:B-C"},
                    {server_name_indication, "host"}]}])");
  const TlsRole& server = *file.options.server;
  EXPECT_EQ(server.certfile, "a.pem");
  EXPECT_EQ(server.password, "pw");
  EXPECT_EQ(server.depth, 2);
  EXPECT_FALSE(server.tls12);
  EXPECT_TRUE(server.tls13);
  EXPECT_EQ(server.ciphers,
            (std::vector<std::string>{"TLS_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384"}));
  EXPECT_TRUE(server.honor_cipher_order);
  EXPECT_EQ(server.groups, (std::vector<std::string>{"x25519", "secp256r1"}));
  EXPECT_FALSE(server.verify) << "Erlang's default of a server";
  const TlsRole& client = *file.options.client;
  EXPECT_TRUE(client.verify) << "Erlang's default of a client";
  EXPECT_TRUE(client.tls12 && client.tls13);
  EXPECT_EQ(client.ciphers, (std::vector<std::string>{"A", "B-C"}));
  EXPECT_EQ(client.server_name, "host");
  EXPECT_TRUE(
      parse_tls_file(
          R"([{server, [{certfile, "a"}]}, {client, [{cacertfile, "c"}, {server_name_indication, disable}]}])")
          .options.client->server_name_disabled);
}

TEST(TlsFile, WhatProvesNothingIsNoted) {
  const auto noted = [](std::string_view text, std::string_view what) {
    const auto notes = parse_tls_file(text).notes;
    return std::any_of(notes.begin(), notes.end(),
                       [&](const std::string& note) { return note.find(what) != std::string::npos; });
  };
  EXPECT_TRUE(noted("[{server, [{certfile, \"a\"}]}].", "proves nothing"));
  EXPECT_TRUE(noted(with("{verify, verify_peer}"), "fail_if_no_peer_cert"));
  EXPECT_FALSE(noted(with("{verify, verify_peer}, {fail_if_no_peer_cert, true}"), "server"));
  EXPECT_TRUE(noted(with("{ktls, true}"), "ktls is left to OpenSSL"));
}

TEST(TlsFile, TheFirstOfTwoCounts) {
  EXPECT_EQ(parse_tls_file(with("{depth, 1}, {depth, 2}")).options.server->depth, 1);
  EXPECT_EQ(parse_tls_file("[{server, [{certfile, \"a\"}]}, {server, [{certfile, \"b\"}]}].")
                .options.server->certfile,
            "a");
}

TEST(TlsFile, UnknownOptionsAreRefusedWithTheNearest) {
  EXPECT_NE(
      refusal(with("{certfil, \"x\"}")).find("server: there is no option certfil; did you mean certfile?"),
      std::string::npos);
  EXPECT_NE(refusal(with("{fail_if_no_cert, true}")).find("did you mean fail_if_no_peer_cert?"),
            std::string::npos);
  EXPECT_EQ(refusal(with("{zzzzzzzzzz, 1}")).find("did you mean"), std::string::npos);
}

TEST(TlsFile, OptionsThatDoNotFitSaySo) {
  for (const std::string option :
       {"{verify_fun, {inet_tls_dist, verify_client, []}}", "{crl_check, true}", "{cert, <<1>>}",
        "{partial_chain, x}", "{signature_algs, []}", "{certs_keys, []}"})
    EXPECT_NE(refusal(with(option)).find("does not fit a drey_node"), std::string::npos) << option;
  EXPECT_NE(refusal("[{client, [{cacertfile, \"c\"}, {fail_if_no_peer_cert, true}]}].")
                .find("option of the server"),
            std::string::npos);
  EXPECT_NE(refusal(with("{server_name_indication, disable}")).find("option of the client"),
            std::string::npos);
}

TEST(TlsFile, WrongValuesAreRefused) {
  for (const std::string option : {"{certfile, 1}",
                                   "{certfile, \"\"}",
                                   "{keyfile, key}",
                                   "{cacertfile, [a]}",
                                   "{keyfile, \"a\\0b\"}",
                                   "{verify, true}",
                                   "{verify, \"verify_peer\"}",
                                   "{fail_if_no_peer_cert, 1}",
                                   "{depth, -1}",
                                   "{depth, 101}",
                                   "{depth, 1.0}",
                                   "{versions, []}",
                                   "{versions, ['tlsv1.1', 'tlsv1.2']}",
                                   "{versions, 'tlsv1.2'}",
                                   "{ciphers, []}",
                                   "{ciphers, [#{cipher => aes_256_gcm}]}",
                                   "{ciphers, [{a, b}]}",
                                   "{ciphers, default}",
                                   "{ciphers, \"A::B\"}",
                                   "{ciphers, \"A:@SECLEVEL=0\"}",
                                   "{ciphers, [\"a b\"]}",
                                   "{honor_cipher_order, yes}",
                                   "{supported_groups, [\"x25519\"]}",
                                   "{supported_groups, x25519}",
                                   "{supported_groups, ['a:b']}",
                                   "{depth}",
                                   "depth",
                                   "{depth, 1, 2}",
                                   "{\"depth\", 1}"})
    // The option comes first, so that it is the one that counts.
    refusal("[{server, [" + option + ", {certfile, \"a.pem\"}, {cacertfile, \"ca.pem\"}]}].");
}

TEST(TlsFile, AFileThatIsNoneIsRefused) {
  for (const std::string_view text :
       {"", "[]", "[].", "server", "[server]", "[{client, []}].", "[{server, []}].",
        "[{server, [{certfile, \"a\"}]}", "[{servers, []}].", "{server, []}.", "[{server, x}].",
        "[{server, [] | x}].", "[{server, [], 1}].", "#{server => []}", "[{server, [{certfile, File}]}].",
        "-----BEGIN CERTIFICATE-----", "[{server, [{certfile, \"a\"}]}]. x.",
        "[{server, [{certfile, \"a\"}, {verify, verify_peer}]}].", "\xff\xfe[\0"})
    refusal(text);
  refusal(std::string(1 << 17, ' '));
  refusal(std::string(1 << 16, '['));
  EXPECT_NE(refusal("[{server,\n [{certfile, a.pem}]}].").find("line 2, column 15"), std::string::npos);
}

TEST(TlsFile, IsReadFromDisk) {
  const auto path = std::filesystem::temp_directory_path() / ("drey_tls_file_" + std::to_string(::getpid()));
  std::ofstream(path) << "[{server, [{certfile, \"a\"}]}].\n";
  EXPECT_EQ(read_tls_file(path.string()).options.server->certfile, "a");
  std::ofstream(path) << "[{server, [{certfile, a}]}].\n";
  const auto message = [&] {
    try {
      (void)read_tls_file(path.string());
    } catch (const Error& error) {
      return error.message();
    }
    return std::string("taken");
  };
  EXPECT_NE(message().find(path.string()), std::string::npos);
  std::ofstream(path) << std::string(1 << 17, ' ');
  EXPECT_NE(message().find("at most"), std::string::npos);
  std::filesystem::remove(path);
  EXPECT_NE(message().find(path.string()), std::string::npos) << "one that is not there";
}

}  // namespace
}  // namespace drey::cnode
