#include "error.h"
#include "model/checker.h"
#include "model/data.h"

/// How forms of the language that need statements make them.
namespace drey::model {

/// What one compile may expand to; a small term with loops of functions must not keep a node busy for hours.
static constexpr std::size_t max_actions = 200000;

void Checker::target(NodeRef value) {
  Action action;
  action.value = graph().to_real(value);
  action.where = where_;
  here().push_back(std::move(action));
}

NodeRef Checker::declare(const std::string& name, Type type, Shape shape, bool overwritten) {
  NodeRef variable = graph().add_variable(name, type, std::move(shape), overwritten);
  Action action;
  action.kind = Action::Kind::Declare;
  action.variable = variable->id;
  here().push_back(std::move(action));
  return variable;
}

void Checker::store(NodeRef variable, std::vector<NodeRef> index, NodeRef value) {
  Action action;
  action.kind = Action::Kind::Store;
  action.variable = variable->id;
  action.index = std::move(index);
  action.value = value;
  action.where = where_;
  here().push_back(std::move(action));
}

void Checker::each_element(std::span<const std::uint64_t> shape,
                           const std::function<void(const std::vector<NodeRef>&)>& body) {
  std::vector<NodeRef> index;
  std::function<void(std::size_t)> level = [&](std::size_t d) {
    if (d == shape.size()) return body(index);
    loop("i", shape[d], [&](NodeRef i) {
      index.push_back(i);
      level(d + 1);
      index.pop_back();
    });
  };
  level(0);
}

void Checker::store_all(NodeRef variable, NodeRef value, const std::vector<NodeRef>& index,
                        Action::Kind kind) {
  each_element(std::span(variable->shape).subspan(index.size()), [&](const std::vector<NodeRef>& inner) {
    std::vector<NodeRef> all = index;
    all.insert(all.end(), inner.begin(), inner.end());
    store(variable, std::move(all), value->scalar() ? value : graph().element(value, inner));
    here().back().kind = kind;
  });
}

void Checker::loop(const std::string& name, NodeRef from, NodeRef to,
                   const std::function<void(NodeRef)>& body) {
  if (to->upper <= from->lower) return;
  if (++expansions_ > max_actions)
    throw Error("too_large", "the model expands to more loops than Drey takes; simplify its functions");
  NodeRef index = graph().add_loop(name, from, to);
  Action action;
  action.kind = Action::Kind::For;
  action.loop = index->id;
  Actions inside;
  actions_.push_back(&inside);
  body(index);
  actions_.pop_back();
  action.body = std::move(inside);
  here().push_back(std::move(action));
}

void Checker::loop(const std::string& name, std::uint64_t trips, const std::function<void(NodeRef)>& body) {
  loop(name, graph().integer(0), graph().integer(static_cast<std::int64_t>(trips)), body);
}

NodeRef Checker::keep(NodeRef value, const std::string& name) {
  NodeRef variable = declare(name, value->type, value->shape);
  store_all(variable, value);
  return variable;
}

}  // namespace drey::model
