#pragma once

#include <string>

#include "cnode/options.h"

/// The log of a node: lines on standard error.
namespace drey::cnode {

/// Sends the log to standard error, in the format and from the level that the options say.
void set_up_log(const Options& options);

/// One JSON object a line: time (RFC 3339), level, message.
std::string json_line(std::string_view time, std::string_view level, std::string_view message);

}  // namespace drey::cnode
