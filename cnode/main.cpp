#include "cnode/stream.h"

#include <iostream>

#include <spdlog/spdlog.h>

#include "cnode/application.h"
#include "cnode/drey_exports.h"
#include "cnode/log.h"
#include "cnode/version.h"
#include "error.h"
#include "service/engine.h"

int main(int argc, char** argv) {
  using namespace drey;
  const auto [options, leave] = cnode::parse_options({argv + 1, argv + argc}, cnode::version);
  if (leave) {
    (leave->status == 0 ? std::cout : std::cerr) << leave->text;
    return leave->status;
  }
  try {
    cnode::set_up_log(options);
    cnode::asio::io_context io(1);
    service::EngineOptions engine_options;
    engine_options.node_name = options.name;
    engine_options.door = "node";
    engine_options.device = options.device;
    engine_options.max_jobs = options.max_jobs;
    service::Engine engine(engine_options);
    engine.require_device();
    cnode::Exports exports;
    cnode::export_drey(exports, engine);
    return cnode::run(options, io, std::move(exports), engine.device_name(), cnode::version, std::cout);
  } catch (const Error& error) {
    spdlog::error("{}{}{}", error.where(), error.where().empty() ? "" : ": ", error.message());
  } catch (const std::exception& error) {
    spdlog::error("{}", error.what());
  }
  return 1;
}
