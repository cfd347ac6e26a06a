#include "model/walk.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>

#include "error.h"
#include "model/data.h"
#include "model/host.h"

namespace drey::model {
namespace {

constexpr std::uint64_t max_steps = 4000000;

/// The loads of one expression that a walk must look at.
struct Reads {
  std::vector<NodeRef> elements;  ///< At with scalar indices, of a variable or with an index not proved
  std::vector<VariableId> whole;  ///< variables read whole
};

class Walker {
 public:
  explicit Walker(Checked& checked) : checked_(checked), host_(checked.graph) {}

  std::set<VariableId> run() {
    for (const Actions* actions :
         {&checked_.constraints, &checked_.transformed, &checked_.model, &checked_.generated}) {
      if (!interesting(*actions)) continue;
      block(*actions);
    }
    if (steps_ > max_steps) {
      checked_.warnings.push_back(
          "the loops are too long to check that every index stays in range and every element is set before it is read");
      for (const Actions* actions :
           {&checked_.constraints, &checked_.transformed, &checked_.model, &checked_.generated})
        all_stored(*actions);
    }
    return std::move(again_);
  }

 private:
  bool interesting(const Actions& actions) {
    for (const Action& action : actions)
      if (action.kind == Action::Kind::Store || action.kind == Action::Kind::Add ||
          interesting(action.body) || interesting(action.otherwise))
        return true;
    for (const Action& action : actions)
      if (action.value && !reads(action.value).elements.empty()) return true;
    return false;
  }

  /// What is stored to: any of it may be set twice.
  void all_stored(const Actions& actions) {
    for (const Action& action : actions) {
      if (action.kind == Action::Kind::Store && !checked_.graph.variable(action.variable).overwritten)
        again_.insert(action.variable);
      all_stored(action.body);
      all_stored(action.otherwise);
    }
  }

  const Reads& reads(NodeRef node) {
    auto [at, fresh] = reads_.try_emplace(node);
    if (!fresh) return at->second;
    Reads found;
    std::unordered_set<NodeRef> seen;
    collect(node, found, seen);
    return reads_[node] = std::move(found);
  }

  void collect(NodeRef node, Reads& into, std::unordered_set<NodeRef>& seen) {
    if (!seen.insert(node).second) return;
    // Inside a sum over trips the indices take other values; its arrays are the library's own or bounded by
    // it.
    if (node->kind == NodeKind::SumOver) return;
    if (node->kind == NodeKind::Variable) {
      into.whole.push_back(node->id);
      return;
    }
    if (node->kind == NodeKind::At) {
      bool scalar = true, proved = true;
      for (std::size_t d = 0; d < node->axes.size(); ++d) {
        const Axis& axis = node->axes[d];
        scalar &= axis.kind == Axis::Kind::Scalar;
        if (axis.kind != Axis::Kind::Scalar) continue;
        proved &= axis.index->lower >= 0 && axis.index->upper < static_cast<double>(node->args[0]->shape[d]);
        collect(axis.index, into, seen);
      }
      const bool variable = node->args[0]->kind == NodeKind::Variable;
      const bool known = std::all_of(node->axes.begin(), node->axes.end(), [](const Axis& axis) {
        return axis.kind != Axis::Kind::Scalar || axis.index->data_only;
      });
      if (known && ((variable && scalar) || !proved)) into.elements.push_back(node);
      if (!variable) collect(node->args[0], into, seen);
      return;
    }
    for (NodeRef arg : node->args) collect(arg, into, seen);
  }

  void block(const Actions& actions) {
    for (const Action& action : actions) {
      if (++steps_ > max_steps) return;
      try {
        one(action);
      } catch (const Error& error) {
        if (!error.where().empty()) throw;
        throw error.within(action.where);
      }
    }
  }

  void one(const Action& action) {
    if (action.value) look(action.value);
    switch (action.kind) {
      case Action::Kind::Declare:
        set_[action.variable].assign(elements(checked_.graph.variable(action.variable).shape), false);
        break;
      case Action::Kind::Store:
      case Action::Kind::Add: {
        const Graph::Variable& variable = checked_.graph.variable(action.variable);
        std::uint64_t place = 0;
        for (std::size_t d = 0; d < action.index.size(); ++d) {
          if (!action.index[d]->data_only) {
            if (!variable.overwritten) again_.insert(action.variable);
            set_[action.variable].clear();  // some element is set, nobody knows which
            return;
          }
          double value = host_.element(action.index[d], {});
          in_range(value, variable.shape[d], variable.name);
          place = place * variable.shape[d] + static_cast<std::uint64_t>(value);
        }
        std::vector<bool>& set = set_[action.variable];
        if (set.empty()) return;
        if (action.kind == Action::Kind::Add && !set[place])
          throw Error("not_set", fmt::format("{} is read before it is set",
                                             element_name(variable.name, variable.shape, place)));
        if (set[place] && !variable.overwritten) again_.insert(action.variable);
        set[place] = true;
        break;
      }
      case Action::Kind::For: {
        const Graph::LoopVariable& loop = checked_.graph.loop(action.loop);
        auto from = static_cast<std::int64_t>(host_.element(loop.from, {}));
        auto to = static_cast<std::int64_t>(host_.element(loop.to, {}));
        for (std::int64_t i = from; i < to && steps_ <= max_steps; ++i) {
          host_.set_loop(action.loop, i);
          block(action.body);
        }
        break;
      }
      case Action::Kind::If:
        block(host_.element(action.value, {}) != 0 ? action.body : action.otherwise);
        break;
      case Action::Kind::Target:
        break;
    }
  }

  void in_range(double value, std::uint64_t size, const std::string& name) {
    if (value >= 0 && value < static_cast<double>(size)) return;
    throw Error("out_of_range", fmt::format("index {} of {} is outside 1..{}", value + 1,
                                            name.empty() ? "an array" : "`" + name + "`", size));
  }

  void look(NodeRef node) {
    const Reads& all = reads(node);
    steps_ += all.elements.size();
    for (NodeRef at : all.elements) {
      NodeRef x = at->args[0];
      const bool variable = x->kind == NodeKind::Variable;
      const std::string name = variable                    ? checked_.graph.variable(x->id).name
                               : x->kind == NodeKind::Data ? checked_.graph.array(x->id).name
                                                           : "";
      std::uint64_t place = 0;
      bool whole = true;
      for (std::size_t d = 0; d < at->axes.size(); ++d) {
        const Axis& axis = at->axes[d];
        if (axis.kind != Axis::Kind::Scalar) {
          whole = false;
          continue;
        }
        double value = host_.element(axis.index, {});
        // What a choice does not take may stand outside: lowering keeps it harmless.
        if (!(value >= 0 && value < static_cast<double>(x->shape[d])) && guarded(node)) return;
        in_range(value, x->shape[d], name);
        place = place * x->shape[d] + static_cast<std::uint64_t>(value);
      }
      if (!variable || !whole) continue;
      const std::vector<bool>& set = set_[x->id];
      if (!set.empty() && !set[place] && !guarded(node))
        throw Error("not_set",
                    fmt::format("{} is read before it is set", element_name(name, x->shape, place)));
    }
    for (VariableId id : all.whole) {
      const std::vector<bool>& set = set_[id];
      if (std::find(set.begin(), set.end(), false) == set.end()) continue;
      std::size_t place = static_cast<std::size_t>(std::find(set.begin(), set.end(), false) - set.begin());
      const Graph::Variable& variable = checked_.graph.variable(id);
      throw Error("not_set", fmt::format("{} is read before it is set",
                                         element_name(variable.name, variable.shape, place)));
    }
  }

  /// Whether the expression chooses somewhere.
  bool guarded(NodeRef node) {
    auto [at, fresh] = guarded_.try_emplace(node, false);
    if (fresh) {
      bool found = node->kind == NodeKind::Operation && node->op == Op::Select;
      for (NodeRef arg : node->args) found = found || guarded(arg);
      guarded_[node] = found;
    }
    return guarded_[node];
  }

  Checked& checked_;
  HostValues host_;
  std::unordered_map<NodeRef, Reads> reads_;
  std::unordered_map<NodeRef, bool> guarded_;
  std::unordered_map<VariableId, std::vector<bool>> set_;
  std::set<VariableId> again_;
  std::uint64_t steps_ = 0;
};

}  // namespace

std::set<VariableId> walk(Checked& checked) { return Walker(checked).run(); }

}  // namespace drey::model
