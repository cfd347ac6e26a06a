#include <fmt/format.h>

#include "gpu/device.h"
#include "service/calls.h"

namespace drey::service {

using term::Term;

Prepared prepare_info(std::vector<Term>) {
  Prepared prepared;
  prepared.work = [](Context& context) {
    const EngineOptions& engine = *context.engine;
    const std::uint32_t used =
        engine.device >= 0 ? static_cast<std::uint32_t>(engine.device) : gpu::default_device();
    std::uint64_t chains = 0;
    std::vector<Term> devices;
    for (const gpu::DeviceInfo& device : gpu::devices()) {
      if (device.index == used) chains = full_chains(device);
      devices.push_back(term::map({
          {"index", Term(static_cast<std::int64_t>(device.index))},
          {"name", term::text(device.name)},
          {"driver", term::text(device.driver)},
          {"type", term::atom(device.type)},
          {"memory_bytes", Term(static_cast<std::int64_t>(device.memory_bytes))},
          {"f64", term::boolean(device.f64)},
          {"subgroup_size", Term(static_cast<std::int64_t>(device.subgroup_size))},
          {"vulkan", term::text(fmt::format("{}.{}.{}", device.api_version >> 22 & 0x7f,
                                            device.api_version >> 12 & 0x3ff, device.api_version & 0xfff))},
      }));
    }
    return term::map({
        {"version", term::text(DREY_VERSION)},
        {"node", term::atom(engine.node_name)},
        {"door", term::atom(engine.door)},
        {"devices", term::list(std::move(devices))},
        {"chains", Term(static_cast<std::int64_t>(chains))},
        {"limits", term::map({{"jobs", Term(static_cast<std::int64_t>(engine.max_jobs))},
                              {"result_bytes", Term(static_cast<std::int64_t>(engine.max_result_bytes))},
                              {"chains", Term(std::int64_t{65536})},
                              {"draws", Term(std::int64_t{1000000})}})},
    });
  };
  return prepared;
}

}  // namespace drey::service
