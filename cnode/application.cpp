#include "cnode/application.h"

#include <spdlog/spdlog.h>
#include <algorithm>
#include <thread>
#include <boost/asio/signal_set.hpp>
#include <ostream>

#include "cnode/connector.h"
#include "cnode/cookie.h"
#include "cnode/epmd.h"
#include "cnode/listener.h"
#include "cnode/metrics.h"
#include "cnode/names.h"
#include "cnode/node.h"
#include "cnode/spin.h"
#include "cnode/tls.h"

namespace drey::cnode {
namespace {

/// Where to listen: what --listen says, else the address that the name is, else everywhere: a peer under
/// -proto_dist inet6_tcp looks for the IPv6 address of the host in the name, another for the IPv4 one.
std::vector<asio::ip::address> listen_addresses(const Options& options) {
  error_code error;
  if (!options.listen.empty()) {
    const auto address = asio::ip::make_address(options.listen, error);
    if (error) throw Error("bad_option", fmt::format("--listen {}: no IP address", options.listen));
    return {address};
  }
  const std::string host = NodeName::parse(options.name).host;
  const auto address = asio::ip::make_address(host, error);
  if (!error) return {address};
  if (host == "localhost") return {asio::ip::address_v4::loopback(), asio::ip::address_v6::loopback()};
  return {asio::ip::address_v4::any(), asio::ip::address_v6::any()};
}

NodeOptions node_options(const Options& options, const std::string& version, std::string cookie) {
  constexpr std::size_t mb = 1 << 20;
  NodeOptions node;
  node.name = options.name;
  node.cookie = std::move(cookie);
  node.version = version;
  // Differs between two lives of one name, so that pids of the earlier are not taken for ours.
  node.creation = random_u32() | 4;
  node.channel.packet = options.max_packet_mb * mb;
  node.channel.fragments.bytes = options.max_fragments_mb * mb;
  node.channel.queued = options.max_queued_mb * mb;
  node.channel.tick_time = options.tick_time;
  node.session.calls = options.max_calls;
  node.session.monitors = options.max_monitors;
  return node;
}

/// Runs the loop; after each event looks for the next one for a while before it sleeps.
void run_loop(asio::io_context& io, std::chrono::microseconds longest) {
  Spin spin(longest);
  while (true) {
    auto now = std::chrono::steady_clock::now();
    spin.begin(now);
    bool found = false;
    while (!found && spin.look(now)) {
      found = io.poll() > 0;
      if (!found) std::this_thread::yield();  // the caller may be waiting for this very core
      now = std::chrono::steady_clock::now();
    }
    if (!found && io.run_one() == 0) return;
    spin.came(std::chrono::steady_clock::now(), !found);
  }
}

}  // namespace

int run(const Options& options, asio::io_context& io, Exports exports, const std::string& device,
        const std::string& version, std::ostream& out) {
  const std::vector<asio::ip::address> addresses = listen_addresses(options);
  std::string cookie = find_cookie(options.cookie_file);
  if (!std::all_of(addresses.begin(), addresses.end(), [](const auto& one) { return one.is_loopback(); }))
    require_strong(cookie);

  Node node(io, node_options(options, version, std::move(cookie)), std::move(exports));
  ListenerOptions listening;
  listening.addresses = addresses;
  listening.first_port = options.first_port;
  listening.last_port = options.last_port;
  listening.half_open = options.half_open;
  listening.half_open_an_address = options.half_open_an_address;
  const MakeStream make_stream = options.tls.on() ? make_tls(options.tls) : MakeStream();
  for (const std::string& note : options.tls_notes) spdlog::warn("{}: {}", options.tls_file, note);
  listening.make_stream = make_stream;
  Listener listener(node, listening);

  ConnectorOptions connecting;
  connecting.epmd_port = options.epmd_port;
  connecting.fixed_port = options.connect_port;
  connecting.make_stream = make_stream;
  Connector connector(node, connecting);
  std::optional<Metrics> metrics;
  if (options.metrics_port >= 0)
    metrics.emplace(io, static_cast<std::uint16_t>(options.metrics_port),
                    [&] { return metrics_text(node, listener.half_open()); });

  int status = 0;
  std::shared_ptr<epmd::Registration> registration;
  asio::signal_set signals(io, SIGTERM, SIGINT);
  asio::steady_timer last_resort(io);
  const auto leave = [&] {
    listener.stop();
    connector.stop();
    if (metrics) metrics->stop();
    if (registration) registration->stop();
    signals.cancel();
    // A peer that does not read must not keep the node alive.
    last_resort.expires_after(std::chrono::seconds(5));
    last_resort.async_wait([&](const error_code& error) {
      if (!error) io.stop();
    });
    node.stop([&] { last_resort.cancel(); });
  };
  signals.async_wait([&](const error_code& error, int signal) {
    if (error) return;
    spdlog::info("leaving on signal {}", signal);
    leave();
  });

  const auto ready = [&] {
    listener.start();
    if (metrics) {
      metrics->start();
      spdlog::info("metrics at http://127.0.0.1:{}/metrics", metrics->port());
    }
    for (const std::string& peer : options.connect) connector.keep(peer);
    out << fmt::format("drey_node ready name={} port={} device={}\n", options.name, listener.port(), device)
        << std::flush;
  };
  if (options.epmd) {
    registration = std::make_shared<epmd::Registration>(
        io, NodeName::parse(options.name).alive, listener.port(),
        std::vector<tcp::endpoint>{{asio::ip::address_v4::loopback(), options.epmd_port},
                                   {asio::ip::address_v6::loopback(), options.epmd_port}});
    registration->start([&](const std::string& error, std::uint32_t creation) {
      if (!error.empty()) {
        spdlog::error("{}", error);
        status = 1;
        return leave();
      }
      if (creation != 0) node.set_creation(creation);
      ready();
    });
  } else {
    ready();
  }
  run_loop(io, options.spin);
  return status;
}

}  // namespace drey::cnode
