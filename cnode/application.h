#pragma once

#include "cnode/stream.h"

#include <iosfwd>
#include <string>

#include "cnode/exports.h"
#include "cnode/options.h"

/// A node from its command line to its end: cookie, listener, epmd, peers to connect to, metrics, signals.
namespace drey::cnode {

/// Runs the node on this thread until SIGTERM or SIGINT. Prints one line to `out` when it can be called:
/// `drey_node ready name=... port=... device=...`.
/// \returns the status to leave with
int run(const Options& options, asio::io_context& io, Exports exports, const std::string& device,
        const std::string& version, std::ostream& out);

}  // namespace drey::cnode
