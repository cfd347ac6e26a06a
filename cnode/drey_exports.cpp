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
    request.reply = [caller = call.caller](term::Term answer) {
      caller->reply(Outcome::value(std::move(answer)));
    };
    request.send = [caller = call.caller](const term::Term& pid, term::Term message) {
      caller->send(pid, std::move(message));
    };
    request.log = [caller = call.caller](std::string line) { caller->log(std::move(line)); };
    const service::Ticket ticket = engine.submit(std::move(request));
    return [&engine, ticket] { engine.cancel(ticket); };
  };
  exports.add("drey", {exported, start, service::Engine::names()});
}

}  // namespace drey::cnode
