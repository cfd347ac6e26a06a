#pragma once

#include "cnode/stream.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cnode/tls.h"

/// The command line of a node, and what it says when it cannot be understood. Reads the environment
/// (ERL_EPMD_PORT) and a configuration file; touches no network and no cookie.
namespace drey::cnode {

struct Options {
  std::string name;  ///< full
  bool long_names = true;
  std::string cookie_file;  ///< empty: DREY_COOKIE, else ~/.erlang.cookie
  std::string listen;       ///< address; empty: the one that the name says
  std::uint16_t first_port = 0, last_port = 0;
  bool epmd = true;
  std::uint16_t epmd_port = 4369;
  int device = -1;
  std::size_t max_jobs = 64;
  std::chrono::seconds tick_time{60};
  std::chrono::microseconds spin{100};  ///< at most (cnode/spin.h)
  std::size_t max_packet_mb = 256;
  std::size_t max_fragments_mb = 512;
  std::size_t max_queued_mb = 2048;
  std::size_t max_calls = 1024;
  std::size_t max_monitors = 100000;
  std::size_t half_open = 256;
  std::size_t half_open_an_address = 64;
  std::vector<std::string> connect;
  std::uint16_t connect_port = 0;  ///< where those listen; 0: ask their epmd
  TlsOptions tls;
  std::string tls_file;                ///< where they are from; empty: the command line
  std::vector<std::string> tls_notes;  ///< what is to be known of that file
  int metrics_port = -1;               ///< -1: none; 0: one that the system chooses
  std::string log_level = "info";
  std::string log_format = "text";
};

/// What to print and the status to leave with, where the node is not to run (--help, --version, a mistake).
struct Leave {
  std::string text;
  int status = 0;
};

/// Either options, or a reason to leave.
struct ParsedOptions {
  Options options;
  std::optional<Leave> leave;
};

ParsedOptions parse_options(const std::vector<std::string>& arguments, const std::string& version);

/// `9100-9200`, `9100`; 0 is any port.
/// \throws Error{bad_option}
void parse_ports(const std::string& range, std::uint16_t& first, std::uint16_t& last);

}  // namespace drey::cnode
