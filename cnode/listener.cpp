#include "cnode/listener.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>
#include <algorithm>
#include <boost/asio/ip/v6_only.hpp>
#include <map>

namespace drey::cnode {

namespace {

/// What counts as one address: of IPv6 the network, of which one host has all addresses.
asio::ip::address counted(const asio::ip::address& address) {
  if (!address.is_v6()) return address;
  auto bytes = address.to_v6().to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), std::uint8_t{0});
  return asio::ip::address_v6(bytes);
}

bool lacks(const error_code& error) {
  return error == asio::error::address_family_not_supported ||
         error == boost::system::errc::address_not_available;
}

std::vector<std::string> names(const ListenerOptions& options) {
  std::vector<std::string> made;
  for (const auto& address : options.addresses) made.push_back(address.to_string());
  return made;
}

}  // namespace

Listener::Listener(Node& node, ListenerOptions options) : node_(node), options_(std::move(options)) {
  error_code error;
  // Where the system chooses the port, the one it chose for the first address may be taken at the next.
  const std::uint32_t first = options_.first_port, last = first == 0 ? 15 : options_.last_port;
  for (std::uint32_t port = first; port <= last; ++port) {
    if (open(static_cast<std::uint16_t>(first == 0 ? 0 : port), error)) return;
    if (error != asio::error::address_in_use) break;
  }
  throw Error("no_port", fmt::format("cannot listen on {} port {}-{}: {}", fmt::join(names(options_), ", "),
                                     options_.first_port, options_.last_port, error.message()));
}

bool Listener::open(std::uint16_t port, error_code& error) {
  doors_.clear();
  for (const asio::ip::address& address : options_.addresses) {
    const tcp::endpoint endpoint(address, port);
    error_code ignored;
    tcp::acceptor& acceptor = doors_.emplace_back(node_.io()).acceptor;
    acceptor.open(endpoint.protocol(), error);
    if (!error) {
      acceptor.set_option(tcp::acceptor::reuse_address(true), ignored);
      if (address.is_v6()) acceptor.set_option(asio::ip::v6_only(true), ignored);
      acceptor.bind(endpoint, error);
    }
    if (!error) acceptor.listen(1024, error);
    if (error && address.is_v6() && doors_.size() > 1 && lacks(error)) {
      error.clear();
      doors_.pop_back();
      continue;
    }
    if (error) return false;
    port = port_ = acceptor.local_endpoint(ignored).port();
  }
  return !doors_.empty();
}

void Listener::start() {
  for (Door& door : doors_) accept(door);
}

void Listener::stop() {
  for (Door& door : doors_) {
    error_code ignored;
    door.acceptor.close(ignored);
    door.pause.cancel();
  }
  const auto all = half_open_;
  for (const auto& setup : all) setup->abort("this node leaves");
}

void Listener::accept(Door& door) {
  door.acceptor.async_accept([this, &door](const error_code& error, tcp::socket socket) {
    if (error == asio::error::operation_aborted || !door.acceptor.is_open()) return;
    if (error) {  // no descriptors are left, or the peer went away already
      spdlog::warn("accept: {}", error.message());
      door.pause.expires_after(std::chrono::milliseconds(50));
      return door.pause.async_wait([this, &door](const error_code& stopped) {
        if (!stopped) accept(door);
      });
    }
    accepted(std::move(socket));
    accept(door);
  });
}

void Listener::make_room(const asio::ip::address& address) {
  std::map<asio::ip::address, std::size_t> held;
  for (const auto& setup : half_open_) ++held[counted(setup->stream()->address())];
  auto crowd = held.find(counted(address));
  if (crowd == held.end() || crowd->second < options_.half_open_an_address) {
    if (half_open_.size() < options_.half_open) return;
    crowd = std::max_element(held.begin(), held.end(),
                             [](const auto& a, const auto& b) { return a.second < b.second; });
  }
  const auto oldest = std::find_if(half_open_.begin(), half_open_.end(), [&](const auto& setup) {
    return counted(setup->stream()->address()) == crowd->first;
  });
  const auto setup = *oldest;
  setup->abort("too many connections are in their handshake");
}

void Listener::accepted(tcp::socket socket) {
  auto stream = options_.make_stream ? options_.make_stream(std::move(socket), {})
                                     : make_plain_stream(std::move(socket));
  make_room(stream->address());
  half_open_.emplace_back();
  const auto place = std::prev(half_open_.end());
  handshake::Acceptor machine(node_.local(),
                              [this](const handshake::Peer& peer) { return node_.admit(peer); });
  const auto done = [this, stream, place](const std::string& error, const handshake::Peer& peer, View rest) {
    const auto setup = *place;
    half_open_.erase(place);
    if (error.empty()) return node_.connected(peer, stream, rest);
    ++node_.counters().handshakes_failed;
    spdlog::warn("{}: {}", stream->address().to_string(), error);
  };
  *place = std::make_shared<Setup>(node_.io(), stream, std::move(machine), options_.deadline, done);
  (*place)->start();
}

}  // namespace drey::cnode
