#include "cnode/options.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>

#include "cnode/names.h"
#include "cnode/tls_file.h"
#include "error.h"
#include "spelling.h"

namespace drey::cnode {
namespace {

std::uint16_t port(const std::string& text) {
  std::size_t used = 0;
  unsigned long value = 65536;
  try {
    value = std::stoul(text, &used);
  } catch (const std::exception&) {
  }
  if (used == 0 || used != text.size() || value > 65535 || text[0] == '-' || text[0] == '+')
    throw Error("bad_option", fmt::format("'{}' is no port (0 to 65535)", text.substr(0, 40)));
  return static_cast<std::uint16_t>(value);
}

/// One role for both directions from the command line, or the roles of a file.
TlsOptions tls_options(Options& options, TlsRole role, bool no_verify) {
  if (!options.tls_file.empty()) {
    if (no_verify || !role.certfile.empty() || !role.keyfile.empty() || !role.cacertfile.empty())
      throw Error("bad_option", "--ssl-dist-optfile says all of TLS: leave the options --tls-... out");
    TlsFile file = read_tls_file(options.tls_file);
    options.tls_notes = std::move(file.notes);
    return file.options;
  }
  if (role.certfile.empty() != role.keyfile.empty())
    throw Error("bad_option", "TLS takes both --tls-certfile and --tls-keyfile");
  if (role.certfile.empty() && (no_verify || !role.cacertfile.empty()))
    throw Error("bad_option", "there is no TLS without --tls-certfile and --tls-keyfile");
  if (role.certfile.empty()) return {};
  role.verify = !no_verify;
  return {role, role};
}

/// What is wrong where an option is not known, with the nearest that is.
std::string unknown_option(const CLI::App& app, std::string_view given, const std::string& file) {
  if (given.ends_with(".++"))  // how CLI11 reports that a section begins
    return fmt::format("{}: there are no sections; leave [{}] out", file, given.substr(0, given.size() - 3));
  const std::string shown(given.substr(0, 60));
  if (file.empty() && !given.starts_with('-'))
    return fmt::format("'{}' belongs to no option; --help lists them", shown);
  given.remove_prefix(std::min(given.find_first_not_of('-'), given.size()));
  given = given.substr(0, given.find('='));
  std::vector<std::string> known;
  for (const CLI::Option* option : app.get_options())
    known.insert(known.end(), option->get_lnames().begin(), option->get_lnames().end());
  const std::string_view near = nearest(given, known);
  const std::string_view dashes = file.empty() ? "--" : "";
  return fmt::format("{}there is no option {}{}; --help lists them", file.empty() ? "" : file + ": ", shown,
                     near.empty() ? "" : fmt::format("; did you mean {}{}?", dashes, near));
}

/// What CLI11 found, in this program's words where its own do not say what to do.
std::string mistake(CLI::App& app, const CLI::ParseError& error) {
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
    const auto extras = app.remaining();
    const auto option =
        std::find_if(extras.begin(), extras.end(), [](const auto& one) { return one.starts_with('-'); });
    return unknown_option(app, option != extras.end() ? *option : extras.empty() ? "" : extras.front(), {});
  }
  constexpr std::string_view unread = "INI was not able to parse ";
  const std::string_view what = error.what();
  if (dynamic_cast<const CLI::ConfigError*>(&error) != nullptr && what.starts_with(unread))
    return unknown_option(app, what.substr(unread.size()), app.get_config_ptr()->as<std::string>());
  return error.what();
}

}  // namespace

void parse_ports(const std::string& range, std::uint16_t& first, std::uint16_t& last) {
  const auto dash = range.find('-');
  first = port(range.substr(0, dash));
  last = dash == std::string::npos ? first : port(range.substr(dash + 1));
  if (first > last) throw Error("bad_option", fmt::format("the range {} ends before it begins", range));
}

ParsedOptions parse_options(const std::vector<std::string>& arguments, const std::string& version) {
  Options options;
  std::string name, sname, ports = "0";
  bool no_epmd = false, no_verify = false;
  TlsRole tls;
  int tick_time = 60, spin = 100;
  if (const char* given = std::getenv("ERL_EPMD_PORT"); given != nullptr && *given != '\0') {
    try {
      options.epmd_port = port(given);
    } catch (const Error& error) {
      return {{}, Leave{"drey_node: ERL_EPMD_PORT: " + error.message() + "\n", 2}};
    }
  }

  CLI::App app(
      "A node of an Erlang cluster that samples from posterior distributions (NUTS) on a Vulkan device.",
      "drey_node");
  app.set_version_flag("--version", "drey_node " + version);
  app.set_config("--config", "", "File of these options, one `option = value` a line");
  app.allow_config_extras(CLI::config_extras_mode::error);
  auto* long_option = app.add_option("--name", name, "Long name: gpu1@host.example.org, gpu1@10.0.0.7");
  auto* short_option = app.add_option("--sname", sname, "Short name: gpu1, gpu1@host");
  long_option->excludes(short_option);
  app.add_option("--cookie-file", options.cookie_file,
                 "File with the cookie; else DREY_COOKIE, else ~/.erlang.cookie");
  app.add_option("--dist-ports", ports, "Ports to listen on, the first free one is taken: 9100-9200")
      ->capture_default_str();
  app.add_option("--listen", options.listen, "Address to listen on; else the one in the name, else all");
  app.add_flag("--no-epmd", no_epmd, "Register with no epmd");
  app.add_option("--epmd-port", options.epmd_port, "Port of epmd; else ERL_EPMD_PORT")->capture_default_str();
  app.add_option("--connect", options.connect, "Node to connect to and stay connected with; may be repeated");
  app.add_option("--connect-port", options.connect_port,
                 "Port of the nodes to connect to; else their epmd says it");
  app.add_option("--tls-certfile", tls.certfile,
                 "Certificate and intermediates (PEM): TLS, as -proto_dist inet_tls");
  app.add_option("--tls-keyfile", tls.keyfile, "Its key (PEM)");
  app.add_option("--tls-cacertfile", tls.cacertfile, "Who may have signed a peer's certificate (PEM)");
  app.add_flag("--tls-no-verify", no_verify,
               "Take peers without a certificate: encryption that proves nothing");
  app.add_option("--ssl-dist-optfile", options.tls_file,
                 "All of this and more from the file that erl -ssl_dist_optfile takes");
  app.add_option("--metrics", options.metrics_port, "Port on 127.0.0.1 for Prometheus; 0: any")
      ->check(CLI::Range(0, 65535));
  app.add_option("--device", options.device, "Index of the Vulkan device; -1: the best one")
      ->capture_default_str();
  app.add_option("--max-jobs", options.max_jobs, "Jobs running and waiting; more are refused as busy")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000));
  app.add_option("--tick-time", tick_time,
                 "Seconds of silence after which a peer counts as gone (net_ticktime)")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000));
  app.add_option("--spin-us", spin, "Microseconds at most to look for the next message before sleeping")
      ->capture_default_str()
      ->check(CLI::Range(0, 10000));
  app.add_option("--max-packet-mb", options.max_packet_mb, "Longest packet taken from a peer")
      ->capture_default_str()
      ->check(CLI::Range(1, 2047));
  app.add_option("--max-fragments-mb", options.max_fragments_mb,
                 "Longest fragmented message taken from a peer")
      ->capture_default_str()
      ->check(CLI::Range(1, 1 << 20));
  app.add_option("--max-queued-mb", options.max_queued_mb,
                 "Bytes that may wait for a peer that does not read")
      ->capture_default_str()
      ->check(CLI::Range(1, 1 << 20));
  app.add_option("--max-calls", options.max_calls, "Calls of one peer under way; more are refused as busy")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000000));
  app.add_option("--max-monitors", options.max_monitors, "Monitors and links that one peer may hold")
      ->capture_default_str()
      ->check(CLI::Range(1, 10000000));
  app.add_option("--max-half-open", options.half_open, "Connections in their handshake")
      ->capture_default_str()
      ->check(CLI::Range(1, 10000));
  app.add_option("--max-half-open-per-address", options.half_open_an_address, "The same, from one address")
      ->capture_default_str()
      ->check(CLI::Range(1, 10000));
  app.add_option("--log-level", options.log_level, "debug, info, warn, error, off")
      ->capture_default_str()
      ->check(CLI::IsMember({"debug", "info", "warn", "error", "off"}));
  app.add_option("--log-format", options.log_format, "text, json")
      ->capture_default_str()
      ->check(CLI::IsMember({"text", "json"}));

  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    app.parse(reversed);
    if (name.empty() && sname.empty())
      throw Error("bad_option", "give the node a name: --name gpu1@127.0.0.1");
    options.long_names = sname.empty();
    options.name = own_name(options.long_names ? name : sname, options.long_names).full();
    parse_ports(ports, options.first_port, options.last_port);
    options.epmd = !no_epmd;
    options.tls = tls_options(options, std::move(tls), no_verify);
    if (options.tls.on() && !options.connect.empty() && !options.tls.client)
      throw Error("bad_option", options.tls_file + ": without {client, [Option]} there is no --connect");
    options.spin = std::chrono::microseconds(spin);
    options.tick_time = std::chrono::seconds(tick_time);
    if (!options.epmd && options.first_port == 0)
      throw Error("bad_option", "without epmd a caller must know the port: give --dist-ports");
    for (const std::string& peer : options.connect) NodeName::parse(peer);
  } catch (const CLI::ParseError& error) {
    std::ostringstream out, mistakes;
    if (app.exit(error, out, mistakes) == 0) return {{}, Leave{out.str(), 0}};
    return {{}, Leave{"drey_node: " + mistake(app, error) + "\n", 2}};
  } catch (const Error& error) {
    return {{}, Leave{"drey_node: " + error.message() + "\n", 2}};
  }
  return {options, {}};
}

}  // namespace drey::cnode
