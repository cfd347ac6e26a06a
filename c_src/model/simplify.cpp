#include "model/simplify.h"

#include <unordered_set>

#include "model/reductions.h"

namespace drey::model {
namespace {

class Simplifier {
 public:
  explicit Simplifier(Checked& checked) : checked_(checked), host_(checked.graph) {}

  void run() {
    do {
      grown_ = false;
      for (const Actions* actions : all()) mark(*actions);
      for (const auto& output : checked_.outputs) read(output.value);
    } while (grown_);
    for (Actions* actions : all()) rewrite(*actions);
  }

 private:
  std::vector<Actions*> all() {
    return {&checked_.constraints, &checked_.jacobians, &checked_.transformed, &checked_.model,
            &checked_.generated};
  }
  void read(NodeRef node) {
    if (!node) return;
    for (VariableId variable : node->variables) grown_ |= live_.insert(variable).second;
  }
  void mark(const Actions& actions) {
    for (const Action& action : actions) {
      const bool stores = action.kind == Action::Kind::Store || action.kind == Action::Kind::Add;
      if (!stores || live_.count(action.variable)) {
        read(action.value);
        for (NodeRef index : action.index) read(index);
      }
      mark(action.body);
      mark(action.otherwise);
    }
  }

  void rewrite(Actions& actions) {
    Actions out;
    for (Action& action : actions) {
      const bool dead = (action.kind == Action::Kind::Store || action.kind == Action::Kind::Add ||
                         action.kind == Action::Kind::Declare) &&
                        !live_.count(action.variable);
      if (dead) continue;
      rewrite(action.body);
      rewrite(action.otherwise);
      if (action.kind == Action::Kind::For && (action.body.empty() || vectorised(action, out))) continue;
      if (action.kind == Action::Kind::If && action.body.empty() && action.otherwise.empty()) continue;
      out.push_back(std::move(action));
    }
    actions = std::move(out);
  }

  bool vectorised(const Action& action, Actions& out) {
    std::vector<NodeRef> values;
    for (const Action& inner : action.body) {
      if (inner.kind != Action::Kind::Target || !inner.value->scalar()) return false;
      if (NodeRef reduced = gaussian(inner, action.loop)) {
        values.push_back(reduced);
        continue;
      }
      NodeRef value = over_trips(checked_.graph, inner.value, action.loop);
      if (!value) return false;
      if (value->scalar()) value = checked_.graph.fill(value, checked_.graph.count_of(action.loop));
      values.push_back(value);
    }
    for (NodeRef value : values) {
      Action target;
      target.value = value;
      out.push_back(std::move(target));
    }
    return true;
  }

  /// The sufficient statistic of a loop of normal densities of data; null where there is none.
  NodeRef gaussian(const Action& inner, std::uint32_t loop) {
    if (!inner.y) return nullptr;
    NodeRef parts[] = {inner.y, inner.mu, inner.sigma};
    for (NodeRef& part : parts)
      if (!(part = over_trips(checked_.graph, part, loop))) return nullptr;
    return gaussian_sum(checked_.graph, host_, parts[0], parts[1], parts[2]);
  }

  Checked& checked_;
  HostValues host_;
  std::unordered_set<VariableId> live_;
  bool grown_ = false;
};

}  // namespace

void simplify(Checked& checked) { Simplifier(checked).run(); }

}  // namespace drey::model
