
#include "error.h"
#include "model/checker.h"

/// Names whose elements are set again: one memory holds what was set last. Nodes are pure, so what such a name
/// holds is read into a variable of its own wherever the model names it; differentiation keeps a tape of what was read.
namespace drey::model {
namespace {

using syntax::Expression;

bool same(const Expression& a, const Expression& b) {
  if (a.kind != b.kind || a.name != b.name || a.integer != b.integer || a.real != b.real ||
      a.args.size() != b.args.size())
    return false;
  for (std::size_t i = 0; i < a.args.size(); ++i)
    if (!same(a.args[i], b.args[i])) return false;
  return true;
}

bool mentions(const Expression& e, const std::string& name) {
  if (e.kind == Expression::Kind::Name && e.name == name) return true;
  for (const Expression& arg : e.args)
    if (mentions(arg, name)) return true;
  return false;
}

}  // namespace

NodeRef Checker::read(NodeRef variable, const std::string& name, const std::vector<Axis>& axes) {
  Shape shape;
  for (std::size_t d = 0; d < axes.size(); ++d)
    if (axes[d].kind == Axis::Kind::Range)
      shape.push_back(axes[d].count);
    else if (axes[d].kind == Axis::Kind::Gather)
      shape.push_back(axes[d].index->shape[0]);
  NodeRef now = declare(name, variable->type, shape);
  each_element(shape, [&](const std::vector<NodeRef>& index) {
    std::vector<NodeRef> place;
    std::size_t next = 0;
    for (const Axis& axis : axes) {
      if (axis.kind == Axis::Kind::Scalar)
        place.push_back(axis.index);
      else if (axis.kind == Axis::Kind::Gather)
        place.push_back(graph().element(axis.index, {index[next++]}));
      else
        place.push_back(graph().shift(index[next++], static_cast<std::int64_t>(axis.from)));
    }
    store(now, index, graph().read(graph().element(variable, place)));
  });
  return now;
}

NodeRef Checker::read(NodeRef variable, const std::string& name) {
  std::vector<Axis> axes;
  for (std::uint64_t size : variable->shape) axes.push_back({Axis::Kind::Range, nullptr, 0, size});
  return read(variable, name, axes);
}

const Expression* Checker::added(const syntax::Statement& s) {
  const Expression& sum = s.right;
  if (sum.kind != Expression::Kind::Call || sum.name != "+" || sum.args.size() != 2) return nullptr;
  const bool indexed = s.left.kind == Expression::Kind::Call;
  const std::string& name = indexed ? s.left.args[0].name : s.left.name;
  if (indexed)
    for (std::size_t i = 1; i < s.left.args.size(); ++i)
      if (mentions(s.left.args[i], name)) return nullptr;
  for (std::size_t i = 0; i < 2; ++i)
    if (same(sum.args[i], s.left) && !mentions(sum.args[1 - i], name)) {
      (void)lookup(name, s.left.where);  // something was set
      return &sum.args[1 - i];
    }
  return nullptr;
}

void Checker::overwrite(const syntax::Statement& s, Symbol& symbol, const std::vector<NodeRef>& index,
                        NodeRef value) {
  NodeRef variable = symbol.memory;
  const bool adds = variable->type == Type::Real && added(s);
  store_all(variable, value, index, adds ? Action::Kind::Add : Action::Kind::Store);
  symbol.value = variable;
}

void Checker::note_overwritten(const std::set<VariableId>& variables) {
  for (VariableId variable : variables)
    if (const auto declared = declared_at_.find(variable); declared != declared_at_.end())
      overwritten_.insert(declared->second);
}

}  // namespace drey::model
