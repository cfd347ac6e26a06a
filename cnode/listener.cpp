#include "cnode/listener.h"

#include <spdlog/spdlog.h>

namespace drey::cnode {

Listener::Listener(Node& node, ListenerOptions options)
    : node_(node), options_(std::move(options)), acceptor_(node.io()), pause_(node.io()) {
  error_code error;
  for (std::uint32_t port = options_.first_port; port <= options_.last_port; ++port) {
    const tcp::endpoint endpoint(options_.address, static_cast<std::uint16_t>(port));
    error_code ignored;
    acceptor_.close(ignored);
    acceptor_.open(endpoint.protocol(), error);
    if (error) break;
    acceptor_.set_option(tcp::acceptor::reuse_address(true), ignored);
    acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(1024, error);
    if (!error) {
      port_ = acceptor_.local_endpoint(ignored).port();
      return;
    }
    if (error != asio::error::address_in_use) break;
  }
  throw Error("no_port", fmt::format("cannot listen on {} port {}-{}: {}", options_.address.to_string(),
                                     options_.first_port, options_.last_port, error.message()));
}

void Listener::start() { accept(); }

void Listener::stop() {
  error_code ignored;
  acceptor_.close(ignored);
  pause_.cancel();
  const auto all = half_open_;
  for (const auto& setup : all) setup->abort("this node leaves");
}

void Listener::accept() {
  acceptor_.async_accept([this](const error_code& error, tcp::socket socket) {
    if (error == asio::error::operation_aborted || !acceptor_.is_open()) return;
    if (error) {  // no descriptors are left, or the peer went away already
      spdlog::warn("accept: {}", error.message());
      pause_.expires_after(std::chrono::milliseconds(50));
      return pause_.async_wait([this](const error_code& stopped) {
        if (!stopped) accept();
      });
    }
    accepted(std::move(socket));
    accept();
  });
}

void Listener::make_room(const asio::ip::address& address) {
  std::size_t same = 0;
  for (const auto& setup : half_open_) same += setup->stream()->address() == address;
  std::shared_ptr<Setup> oldest;
  if (same >= options_.half_open_an_address) {
    for (const auto& setup : half_open_)
      if (setup->stream()->address() == address) {
        oldest = setup;
        break;
      }
  } else if (half_open_.size() >= options_.half_open) {
    oldest = half_open_.front();
  }
  if (oldest) oldest->abort("too many connections are in their handshake");
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
