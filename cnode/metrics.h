#pragma once

#include "cnode/stream.h"

#include <functional>
#include <memory>
#include <string>

#include "cnode/node.h"

/// Numbers about the node for Prometheus (text format 0.0.4), over HTTP on a loopback port. One thread.
namespace drey::cnode {

/// The page: one `# HELP`, `# TYPE` and value for each number.
std::string metrics_text(const Node& node, std::size_t half_open);

class Metrics {
 public:
  /// \throws Error{no_port}
  Metrics(asio::io_context& io, std::uint16_t port, std::function<std::string()> page);
  ~Metrics();
  std::uint16_t port() const;
  void start();
  void stop();

 private:
  struct Request;
  void accept();

  tcp::acceptor acceptor_;
  std::function<std::string()> page_;
  std::size_t open_ = 0;
};

}  // namespace drey::cnode
