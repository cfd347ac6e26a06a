#include "cnode/tls_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <map>

#include "error.h"
#include "spelling.h"
#include "term/text.h"

namespace drey::cnode {
namespace {

using term::Term;

constexpr std::size_t longest = std::size_t{1} << 16;

[[noreturn]] void refuse(const std::string& message) { throw Error("bad_tls", message); }

std::string string_of(const Term& value, std::string_view what) {
  std::string text;
  if (value.as<term::Atom>() != nullptr || !term::as_text(value, text) || text.empty() ||
      text.find('\0') != std::string::npos)
    refuse(fmt::format("{} is a string, such as \"node.pem\"; found {}", what, term::to_string(value)));
  return text;
}

bool boolean_of(const Term& value, std::string_view what) {
  if (value.is_atom("true")) return true;
  if (value.is_atom("false")) return false;
  refuse(fmt::format("{} is true or false; found {}", what, term::to_string(value)));
}

const std::vector<Term>& elements_of(const Term& value, std::string_view what) {
  const auto* list = value.as<term::List>();
  if (list == nullptr || list->tail)
    refuse(fmt::format("{} is a list; found {}", what, term::to_string(value)));
  return list->elements;
}

/// What an option does to a role; `server`: of which one.
using Apply = std::function<void(TlsRole&, const Term&, bool server)>;

void set_versions(TlsRole& role, const Term& value, bool) {
  role.tls12 = role.tls13 = false;
  for (const Term& version : elements_of(value, "versions")) {
    if (version.is_atom("tlsv1.2"))
      role.tls12 = true;
    else if (version.is_atom("tlsv1.3"))
      role.tls13 = true;
    else
      refuse(fmt::format("versions: {} is not spoken here; 'tlsv1.2' and 'tlsv1.3' are",
                         term::to_string(version)));
  }
  if (!role.tls12 && !role.tls13) refuse("versions: at least one of 'tlsv1.2', 'tlsv1.3'");
}

/// `["A", "B"]`, or in one string "A:B", as Erlang takes them.
void set_ciphers(TlsRole& role, const Term& value, bool) {
  const auto add = [&](const std::string& names) {
    for (std::size_t from = 0; from <= names.size();) {
      const std::size_t end = std::min(names.find(':', from), names.size());
      const std::string name = names.substr(from, end - from);
      const bool plain = !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
        return std::isalnum(c) || c == '-' || c == '_';
      });
      if (!plain) refuse(fmt::format("ciphers: '{}' is no name of a suite", name.substr(0, 60)));
      role.ciphers.push_back(name);
      from = end + 1;
    }
  };
  const auto& elements = elements_of(value, "ciphers");
  if (elements.empty()) refuse("ciphers: at least one");
  std::string text;
  if (term::as_text(value, text)) return add(text);
  for (const Term& each : elements) {
    if (each.as<term::Map>() != nullptr || each.as<term::Tuple>() != nullptr)
      refuse(
          fmt::format("ciphers: {}: give suites by name, such as \"ECDHE-RSA-AES256-GCM-SHA384\" or "
                      "\"TLS_AES_256_GCM_SHA384\"",
                      term::to_string(each)));
    add(string_of(each, "a suite of ciphers"));
  }
}

void set_groups(TlsRole& role, const Term& value, bool) {
  for (const Term& group : elements_of(value, "supported_groups")) {
    const auto* name = group.as<term::Atom>();
    if (name == nullptr || name->name.empty() ||
        !std::all_of(name->name.begin(), name->name.end(), [](unsigned char c) { return std::isalnum(c); }))
      refuse(
          fmt::format("supported_groups: names such as x25519, secp256r1; found {}", term::to_string(group)));
    role.groups.push_back(name->name);
  }
}

void set_server_name(TlsRole& role, const Term& value, bool server) {
  if (server) refuse("server_name_indication is an option of the client");
  if (value.is_atom("disable"))
    role.server_name_disabled = true;
  else
    role.server_name = string_of(value, "server_name_indication");
}

void set_depth(TlsRole& role, const Term& value, bool) {
  const auto* depth = value.as<std::int64_t>();
  if (depth == nullptr || *depth < 0 || *depth > 100)
    refuse(fmt::format("depth is an integer from 0 to 100; found {}", term::to_string(value)));
  role.depth = static_cast<int>(*depth);
}

void set_verify(TlsRole& role, const Term& value, bool) {
  if (!value.is_atom("verify_peer") && !value.is_atom("verify_none"))
    refuse(fmt::format("verify is verify_peer or verify_none; found {}", term::to_string(value)));
  role.verify = value.is_atom("verify_peer");
}

const std::map<std::string, Apply, std::less<>>& applied() {
  static const std::map<std::string, Apply, std::less<>> all = {
      {"certfile", [](TlsRole& r, const Term& v, bool) { r.certfile = string_of(v, "certfile"); }},
      {"keyfile", [](TlsRole& r, const Term& v, bool) { r.keyfile = string_of(v, "keyfile"); }},
      {"password", [](TlsRole& r, const Term& v, bool) { r.password = string_of(v, "password"); }},
      {"cacertfile", [](TlsRole& r, const Term& v, bool) { r.cacertfile = string_of(v, "cacertfile"); }},
      {"verify", set_verify},
      {"fail_if_no_peer_cert",
       [](TlsRole& r, const Term& v, bool server) {
         if (!server) refuse("fail_if_no_peer_cert is an option of the server");
         r.fail_if_no_peer_cert = boolean_of(v, "fail_if_no_peer_cert");
       }},
      {"depth", set_depth},
      {"versions", set_versions},
      {"ciphers", set_ciphers},
      {"honor_cipher_order",
       [](TlsRole& r, const Term& v, bool) { r.honor_cipher_order = boolean_of(v, "honor_cipher_order"); }},
      {"supported_groups", set_groups},
      {"eccs", set_groups},
      {"server_name_indication", set_server_name},
  };
  return all;
}

/// How a BEAM goes about it; here it is OpenSSL's business, and no peer is taken or refused for it.
constexpr std::string_view harmless[] = {"secure_renegotiate",
                                         "client_renegotiation",
                                         "reuse_session",
                                         "reuse_sessions",
                                         "session_tickets",
                                         "hibernate_after",
                                         "log_level",
                                         "log_alert",
                                         "keep_secrets",
                                         "max_handshake_size",
                                         "ktls",
                                         "handshake",
                                         "dh",
                                         "dhfile",
                                         "honor_ecc_order",
                                         "beast_mitigation",
                                         "padding_check",
                                         "middlebox_comp_mode",
                                         "max_fragment_length",
                                         "early_data",
                                         "anti_replay",
                                         "use_ticket",
                                         "cookie",
                                         "certificate_authorities",
                                         "key_update_at",
                                         "sender_spawn_opts",
                                         "receiver_spawn_opts"};

struct Elsewhere {
  std::string_view name, instead;
};
/// What decides whom a BEAM takes, and that this node cannot do.
constexpr Elsewhere refused[] = {
    {"verify_fun", "it is Erlang code, which is not run here"},
    {"partial_chain", "it is Erlang code, which is not run here"},
    {"customize_hostname_check", "it is Erlang code, which is not run here"},
    {"sni_fun", "it is Erlang code, which is not run here"},
    {"user_lookup_fun", "it is Erlang code, which is not run here"},
    {"crl_check", "revocation lists are not looked at; give the node certificates that live shortly"},
    {"crl_cache", "revocation lists are not looked at; give the node certificates that live shortly"},
    {"ocsp_stapling", "revocation is not looked at; give the node certificates that live shortly"},
    {"stapling", "revocation is not looked at; give the node certificates that live shortly"},
    {"signature_algs", "OpenSSL's own choice is what there is"},
    {"signature_algs_cert", "OpenSSL's own choice is what there is"},
    {"cert", "give the certificate as a file: certfile"},
    {"certs_keys", "give one certificate and its key as files: certfile, keyfile"},
    {"key", "give the key as a file: keyfile"},
    {"cacerts", "give the authorities' certificates as a file: cacertfile"},
    {"sni_hosts", "a node has one host"},
    {"psk_identity", "peers show certificates here"},
    {"srp_identity", "peers show certificates here"},
    {"alpn_advertised_protocols", "distribution has no ALPN"},
    {"alpn_preferred_protocols", "distribution has no ALPN"},
    {"protocol", "distribution is over TLS, not DTLS"},
};

std::string misspelt(const std::string& name) {
  std::vector<std::string_view> known;
  for (const auto& [each, apply] : applied()) known.push_back(each);
  for (const auto each : harmless) known.push_back(each);
  for (const auto& each : refused) known.push_back(each.name);
  const std::string_view near = nearest(name, known);
  return near.empty() ? std::string() : fmt::format("; did you mean {}?", near);
}

TlsRole read_role(const Term& options, bool server, std::vector<std::string>& notes) {
  const std::string_view which = server ? "server" : "client";
  TlsRole role;
  role.verify = !server;  // as Erlang, from OTP 26 on
  role.fail_if_no_peer_cert = false;
  std::vector<std::string> seen;
  for (const Term& option : elements_of(options, which)) {
    const auto* pair = option.as<term::Tuple>();
    const auto* name =
        pair != nullptr && pair->elements.size() == 2 ? pair->elements[0].as<term::Atom>() : nullptr;
    if (name == nullptr)
      refuse(fmt::format("{}: an option is {{Name, Value}}; found {}", which, term::to_string(option)));
    if (std::find(seen.begin(), seen.end(), name->name) != seen.end()) continue;  // the first one counts
    seen.push_back(name->name);
    if (const auto found = applied().find(name->name); found != applied().end()) {
      try {
        found->second(role, pair->elements[1], server);
      } catch (const Error& error) {
        refuse(fmt::format("{}: {}", which, error.message()));
      }
      continue;
    }
    if (std::find(std::begin(harmless), std::end(harmless), name->name) != std::end(harmless)) {
      notes.push_back(fmt::format("{}: {} is left to OpenSSL", which, name->name));
      continue;
    }
    const auto* known = std::find_if(std::begin(refused), std::end(refused),
                                     [&](const Elsewhere& each) { return each.name == name->name; });
    if (known != std::end(refused))
      refuse(fmt::format("{}: {} does not fit a drey_node: {}", which, name->name, known->instead));
    refuse(fmt::format("{}: there is no option {}{}", which, term::to_string(pair->elements[0], 64),
                       misspelt(name->name)));
  }
  if (server && role.certfile.empty())
    refuse("server: a node that peers connect to needs a certificate: certfile");
  if (role.verify && role.cacertfile.empty())
    refuse(fmt::format("{}: without cacertfile no peer can be verified", which));
  if (!role.verify)
    notes.push_back(
        fmt::format("{}: without {{verify, verify_peer}} whoever is there is taken for the peer: "
                    "encryption that proves nothing",
                    which));
  else if (server && !role.fail_if_no_peer_cert)
    notes.push_back("server: without {fail_if_no_peer_cert, true} peers without a certificate are taken");
  return role;
}

}  // namespace

TlsFile parse_tls_file(std::string_view text) {
  Term whole;
  try {
    term::TextLimits limits;
    limits.bytes = longest;
    whole = term::parse_text(text, limits);
  } catch (const Error& error) {
    refuse(error.message());
  }
  TlsFile file;
  for (const Term& each : elements_of(whole, "what the file holds")) {
    const auto* role = each.as<term::Tuple>();
    const auto* name =
        role != nullptr && role->elements.size() == 2 ? role->elements[0].as<term::Atom>() : nullptr;
    const bool server = name != nullptr && name->name == "server";
    if (name == nullptr || (!server && name->name != "client"))
      refuse(fmt::format("the file is [{{server, [Option]}}, {{client, [Option]}}].; found {}",
                         term::to_string(each)));
    auto& place = server ? file.options.server : file.options.client;
    if (!place) place = read_role(role->elements[1], server, file.notes);
  }
  if (!file.options.server) refuse("without {server, [Option]} no peer could connect to this node");
  return file;
}

TlsFile read_tls_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text;
  text.resize(longest + 1);
  if (in) in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad() || (!in && !in.eof())) refuse(fmt::format("{}: {}", path, "the file cannot be read"));
  text.resize(static_cast<std::size_t>(in.gcount()));
  try {
    return parse_tls_file(text);
  } catch (const Error& error) {
    refuse(fmt::format("{}: {}", path, error.message()));
  }
}

}  // namespace drey::cnode
