#include "cnode/connector.h"

#include <spdlog/spdlog.h>
#include <algorithm>

#include "cnode/epmd.h"
#include "cnode/names.h"

namespace drey::cnode {
namespace {

constexpr std::size_t max_addresses = 8;

}  // namespace

Connector::Connector(Node& node, ConnectorOptions options) : node_(node), options_(std::move(options)) {}

void Connector::keep(const std::string& peer) {
  auto target = std::make_shared<Target>(node_.io());
  target->peer = peer;
  target->retry = options_.first_retry;
  targets_.push_back(target);
  attempt(target);
}

void Connector::stop() {
  stopped_ = true;
  for (const auto& target : targets_) {
    error_code ignored;
    target->timer.cancel();
    target->resolver.cancel();
    target->socket.close(ignored);
    if (target->setup) target->setup->abort("this node leaves");
  }
}

/// Looks whether the peer is there, now and every while.
void Connector::attempt(const std::shared_ptr<Target>& target) {
  if (stopped_) return;
  if (node_.is_connected(target->peer)) {
    target->retry = options_.first_retry;
    target->warned = false;
    return again(target, {});
  }
  target->resolver.async_resolve(
      NodeName::parse(target->peer).host, "0",
      [this, target](const error_code& error, const tcp::resolver::results_type& results) {
        if (stopped_) return;
        if (error || results.empty()) return again(target, error.message());
        target->others.clear();
        for (const auto& result : results) target->others.push_back(result.endpoint().address());
        if (target->others.size() > max_addresses) target->others.resize(max_addresses);
        next(target, {});
      });
}

/// Tries the next address of the host; where there is none, all again later.
void Connector::next(const std::shared_ptr<Target>& target, const std::string& why) {
  if (target->others.empty()) return again(target, why);
  const asio::ip::address address = target->others.front();
  target->others.erase(target->others.begin());
  found(target, address);
}

void Connector::found(const std::shared_ptr<Target>& target, const asio::ip::address& address) {
  if (options_.fixed_port != 0) return connect(target, {address, options_.fixed_port});
  epmd::look_up(node_.io(), {address, options_.epmd_port}, NodeName::parse(target->peer).alive,
                options_.deadline, [this, target, address](const std::string& error, std::uint16_t port) {
                  if (stopped_) return;
                  if (!error.empty()) return next(target, error);
                  connect(target, {address, port});
                });
}

void Connector::connect(const std::shared_ptr<Target>& target, const tcp::endpoint& endpoint) {
  target->socket = tcp::socket(node_.io());
  target->timer.expires_after(options_.deadline);
  target->timer.async_wait([target](const error_code& error) {
    error_code ignored;
    if (!error) target->socket.close(ignored);
  });
  target->socket.async_connect(endpoint, [this, target, endpoint](const error_code& error) {
    target->timer.cancel();
    if (stopped_) return;
    if (error)
      return next(target, fmt::format("{} port {}: {}", endpoint.address().to_string(), endpoint.port(),
                                      error.message()));
    const std::string host = NodeName::parse(target->peer).host;
    auto stream = options_.make_stream ? options_.make_stream(std::move(target->socket), host)
                                       : make_plain_stream(std::move(target->socket));
    if (node_.is_connected(target->peer)) return again(target, {});  // it came to us meanwhile
    const auto done = [this, target, stream](const std::string& failed, const handshake::Peer& peer,
                                             View rest) {
      target->setup = nullptr;
      node_.connecting_ended(target->peer);
      if (failed.empty()) node_.connected(peer, stream, rest);
      if (!stopped_) again(target, failed);
    };
    target->setup = std::make_shared<Setup>(
        node_.io(), stream, handshake::Initiator(node_.local(), target->peer), options_.deadline, done);
    node_.connecting(target->peer, [target] {
      if (const auto setup = target->setup) setup->abort("the peer's own attempt was first");
    });
    target->setup->start();
  });
}

void Connector::again(const std::shared_ptr<Target>& target, const std::string& why) {
  if (!why.empty()) {
    if (!std::exchange(target->warned, true)) spdlog::warn("{}: {}; trying again", target->peer, why);
    target->retry = std::min(2 * target->retry, options_.last_retry);
  }
  target->timer.expires_after(target->retry);
  target->timer.async_wait([this, target](const error_code& error) {
    if (!error) attempt(target);
  });
}

}  // namespace drey::cnode
