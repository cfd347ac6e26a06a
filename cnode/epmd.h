#pragma once

#include "cnode/stream.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cnode/bytes.h"

/// The Erlang port mapper: this node's registration, and where another node listens. Starts no epmd.
namespace drey::cnode::epmd {

inline constexpr std::uint16_t default_port = 4369;

// Messages, without their length.
Bytes alive_request(std::uint16_t port, std::string_view alive);
struct Alive {
  bool accepted = false;
  std::uint32_t creation = 0;
};
/// \throws Error{bad_frame}
Alive parse_alive(View reply);
Bytes port_request(std::string_view alive);
/// The port, or 0 when epmd knows no such node.
/// \throws Error{bad_frame}
std::uint16_t parse_port(View reply);

/// Keeps the node registered: epmd forgets it when the socket closes, and comes back without it when it
/// restarts.
class Registration : public std::enable_shared_from_this<Registration> {
 public:
  /// \param epmd where it may be: the first that takes a connection is asked
  Registration(asio::io_context& io, std::string alive, std::uint16_t port, std::vector<tcp::endpoint> epmd);

  /// \param on_first called once: with the creation, or with what went wrong (then nothing is retried)
  void start(std::function<void(const std::string& error, std::uint32_t creation)> on_first);
  void stop();
  bool registered() const { return registered_; }

 private:
  void connect(std::size_t at);
  void request();
  void reply(std::size_t filled);
  void keep();
  void failed(const std::string& why);

  asio::io_context& io_;
  std::string alive_;
  std::uint16_t port_;
  std::vector<tcp::endpoint> epmd_;
  std::string where_;  // the one connected to, or the first
  tcp::socket socket_;
  asio::steady_timer timer_;
  std::function<void(const std::string&, std::uint32_t)> on_first_;
  bool registered_ = false, stopped_ = false, said_ = false;
  Bytes out_;
  std::array<std::uint8_t, 8> in_{};
};

/// Asks the epmd at `epmd` for the port of `alive`. `done` gets an error sentence, or an empty one and the
/// port.
void look_up(asio::io_context& io, tcp::endpoint epmd, const std::string& alive,
             std::chrono::milliseconds deadline,
             std::function<void(const std::string& error, std::uint16_t port)> done);

}  // namespace drey::cnode::epmd
