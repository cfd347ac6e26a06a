#include "cnode/drey_exports.h"

namespace drey::cnode {

void export_drey(Exports& exports, service::Engine& engine) {
  const auto exported = [](std::string_view function, std::size_t arity) {
    return service::Engine::exports(function, arity);
  };
  const auto start = [&engine](Call call) -> Cancel {
    service::Call request;
    request.function = std::move(call.function);
    request.arguments = std::move(call.arguments);
    request.reply = [reply = std::move(call.reply)](term::Term answer) {
      reply(Outcome::value(std::move(answer)));
    };
    request.send = std::move(call.send);
    const service::Ticket ticket = engine.submit(std::move(request));
    return [&engine, ticket] { engine.cancel(ticket); };
  };
  exports.add("drey", {exported, start});
}

}  // namespace drey::cnode
