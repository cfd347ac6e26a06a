#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "error.h"
#include "model/checker.h"
#include "model/data.h"
#include "model/reductions.h"
#include "model/vector_distributions.h"

namespace drey::model {

using syntax::Expression;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

std::string source_name(const Expression& e) {
  if (e.kind == Expression::Kind::Name) return e.name;
  if (e.kind == Expression::Kind::Call && e.name == "at" && !e.args.empty()) return source_name(e.args[0]);
  return {};
}

}  // namespace

std::vector<std::string> Checker::distribution_names() const {
  std::vector<std::string> all;
  for (const Distribution& d : distributions()) all.push_back(d.name);
  for (const VectorDistribution& d : vector_distributions()) all.push_back(d.name);
  all.insert(all.end(), {"truncate", "censor"});
  return all;
}

NodeRef Checker::instantiate(const Formula& formula, const std::map<std::string, NodeRef>& names) {
  Graph& g = graph();
  switch (formula.kind) {
    case Formula::Kind::Number:
      return g.real(formula.number);
    case Formula::Kind::Name: {
      auto found = names.find(formula.name);
      if (found != names.end()) return found->second;
      if (formula.name == "u" || formula.name == "v" || formula.name == "w") return g.random();
      throw Error("internal", "a formula names `" + formula.name + "`");
    }
    case Formula::Kind::Call: {
      std::vector<NodeRef> args;
      for (const Formula& arg : formula.args) args.push_back(instantiate(arg, names));
      if (formula.name == "?:") {
        // A formula's condition is a comparison, or a number that is not zero.
        NodeRef condition = args[0];
        if (condition->type != Type::Integer)
          condition = g.operation(Op::NotI, {g.operation(Op::EqualR, {condition, g.real(0)})});
        if (condition->literal && condition->scalar() && condition->kind == NodeKind::Operation)
          condition = g.integer(host_.element(condition, {}) != 0);
        return g.select(condition, args[1], args[2]);
      }
      if (formula.name == "<") return g.operation(Op::LessR, args);
      if (formula.name == "<=") return g.operation(Op::NotI, {g.operation(Op::LessR, {args[1], args[0]})});
      if (formula.name == "==") return g.operation(Op::EqualR, args);
      return g.call(formula.name, std::move(args));
    }
  }
  throw Error("internal", "a formula of unknown kind");
}

std::string Checker::value_text(NodeRef node, std::uint64_t element, const std::string& name) {
  // Name the caller's own data where the value is an element of it.
  NodeRef source = node;
  while (source->kind == NodeKind::Operation && source->op == Op::ToReal) source = source->args[0];
  std::string who = source->kind == NodeKind::Data ? graph().array(source->id).name : name;
  return element_name(who.empty() ? "the value" : who, node->shape, element);
}

void Checker::check_domain(NodeRef value, Domain domain, const std::string& name, const std::string& where,
                           const std::string& reason) {
  if (!value->data_only || !value->loops.empty()) return;
  const std::uint64_t count = elements(value->shape);
  for (std::uint64_t i = 0; i < count; ++i) {
    double number = value->scalar() ? host_.element(value, {}) : host_.all(value)[i];
    if (!in_domain(domain, number))
      throw Error(reason,
                  fmt::format("{} is {} where {} was expected", value_text(value, i, name), number,
                              domain_text(domain)),
                  where);
  }
}

/// -infinity where the outcome leaves its support, unless it is known not to.
NodeRef Checker::guard(NodeRef density, NodeRef outcome, NodeRef lower, NodeRef upper, bool open) {
  Graph& g = graph();
  NodeRef minus_infinity = g.real(-inf);
  if (lower && !(lower->data_only && lower->loops.empty() && outcome->lower >= lower->upper))
    density = open ? g.select(g.operation(Op::LessR, {lower, outcome}), density, minus_infinity)
                   : g.select(g.operation(Op::LessR, {outcome, lower}), minus_infinity, density);
  if (upper && !(upper->data_only && upper->loops.empty() && outcome->upper <= upper->lower))
    density = g.select(g.operation(Op::LessR, {upper, outcome}), minus_infinity, density);
  return density;
}

std::vector<NodeRef> Checker::distribution_arguments(const Distribution& d, const Expression& e,
                                                     std::size_t from) {
  if (e.args.size() - from != d.parameters.size()) {
    std::string form = "{" + d.name;
    for (const auto& p : d.parameters) form += ", " + p.name;
    throw Error("wrong_arity",
                fmt::format("`{}` takes {} parameters, {}}}, found {}", d.name, d.parameters.size(), form,
                            e.args.size() - from),
                e.where);
  }
  std::vector<NodeRef> args;
  for (std::size_t i = 0; i < d.parameters.size(); ++i) {
    const Expression& a = e.args[from + i];
    NodeRef value = expression(a);
    std::string name = source_name(a);
    check_domain(value, d.parameters[i].domain, name.empty() ? d.parameters[i].name : name, a.where);
    args.push_back(graph().to_real(value));
  }
  return args;
}

NodeRef Checker::univariate(const Distribution& d, NodeRef outcome, const std::vector<NodeRef>& args,
                            const std::string& outcome_name, const std::string& where) {
  Graph& g = graph();
  Shape shape = outcome->shape;
  for (std::size_t i = 0; i < args.size(); ++i) {
    if (args[i]->scalar()) continue;
    if (shape.empty()) shape = args[i]->shape;
    if (args[i]->shape != shape)
      throw Error("wrong_shape",
                  fmt::format("the outcome is {} and `{}` of {} is {}", shape_text(outcome->shape),
                              d.parameters[i].name, d.name, shape_text(args[i]->shape)),
                  where);
  }
  const bool whole = d.outcome != Domain::Real;
  if (whole && outcome->type != Type::Integer && !outcome->data_only)
    throw Error(
        "wrong_type",
        fmt::format("the outcome of `{}` is {}, found a real expression", d.name, domain_text(d.outcome)),
        where);
  check_domain(outcome, d.outcome, outcome_name, where, "out_of_support");
  std::map<std::string, NodeRef> names;
  names["y"] = g.to_real(outcome);
  for (std::size_t i = 0; i < args.size(); ++i) names[d.parameters[i].name] = args[i];
  NodeRef y = names["y"];
  NodeRef lower = d.lower.empty() ? nullptr : instantiate(d.lower_formula, names);
  NodeRef upper = d.upper.empty() ? nullptr : instantiate(d.upper_formula, names);
  const bool fixed = y->data_only && y->loops.empty();
  auto fixed_bound = [](NodeRef bound) { return bound && bound->data_only && bound->loops.empty(); };
  if (fixed) {
    // Known now, so said now.
    for (std::uint64_t i = 0; i < elements(y->shape); ++i) {
      double number = y->scalar() ? host_.element(y, {}) : host_.all(y)[i];
      for (const bool above : {false, true}) {
        NodeRef bound = above ? upper : lower;
        if (!fixed_bound(bound)) continue;
        double limit = bound->scalar() || y->scalar() ? (bound->scalar() ? host_.element(bound, {}) : number)
                                                      : host_.all(bound)[i];
        if (above ? number > limit : number < limit || (d.open && number == limit))
          throw Error("out_of_support",
                      fmt::format("{} is {}, outside the support of `{}` ({} {})",
                                  value_text(y, i, outcome_name), number, d.name,
                                  above    ? "<="
                                  : d.open ? ">"
                                           : ">=",
                                  limit),
                      where);
      }
    }
    if (fixed_bound(lower)) lower = nullptr;
    if (fixed_bound(upper)) upper = nullptr;
  }
  NodeRef density = instantiate(d.log_density_formula, names);
  if (density->scalar() && !shape.empty()) density = g.fill(density, shape);
  return guard(density, y, lower, upper, d.open);
}

const Expression& Checker::distribution(const Expression& e) {
  if (e.kind != Expression::Kind::Name && e.kind != Expression::Kind::Call)
    throw Error("invalid_model", "a distribution is written {Name, Parameters...}", e.where);
  return e;
}

NodeRef Checker::log_density(const Expression& e, NodeRef outcome, const std::string& outcome_name) {
  distribution(e);
  if (e.name == "truncate") return truncated(e, outcome, outcome_name);
  if (e.name == "censor") return censored(e, outcome, outcome_name);
  return density_of(e.name, outcome, e, 0, outcome_name);
}

NodeRef Checker::density_of(const std::string& name, NodeRef outcome, const Expression& e, std::size_t from,
                            const std::string& outcome_name) {
  if (const Distribution* d = find_distribution(name)) {
    std::vector<NodeRef> args = distribution_arguments(*d, e, from);
    return univariate(*d, outcome, args, outcome_name, e.where);
  }
  const VectorDistribution* d = find_vector_distribution(name);
  if (!d) unknown("distribution", name, distribution_names(), e.where, "unknown_distribution");
  if (e.args.size() - from != d->parameters.size())
    throw Error("wrong_arity",
                fmt::format("`{}` takes the parameters {}, found {}", name, fmt::join(d->parameters, ", "),
                            e.args.size() - from),
                e.where);
  std::vector<NodeRef> args;
  for (std::size_t i = from; i < e.args.size(); ++i) args.push_back(graph().to_real(expression(e.args[i])));
  return d->log_density(*this, outcome, args, e.where);
}

NodeRef Checker::distribution_function(const Distribution& d, bool upper_tail, NodeRef y,
                                       const std::vector<NodeRef>& args, const std::string& where) {
  Graph& g = graph();
  if (d.integrated) return tail_function(d, upper_tail, y, args, where);
  const Formula& formula = upper_tail ? d.log_ccdf_formula : d.log_cdf_formula;
  if ((upper_tail ? d.log_ccdf : d.log_cdf).empty())
    throw Error("unknown_function", fmt::format("`{}` has no distribution function here", d.name), where);
  std::map<std::string, NodeRef> names;
  names["y"] = g.to_real(y);
  for (std::size_t i = 0; i < args.size(); ++i) names[d.parameters[i].name] = args[i];
  NodeRef value = instantiate(formula, names);
  const bool count = d.outcome == Domain::Count || d.outcome == Domain::Binary;
  NodeRef lower = !d.lower.empty() ? instantiate(d.lower_formula, names) : count ? g.real(0) : nullptr;
  NodeRef upper = d.upper.empty() || count ? nullptr : instantiate(d.upper_formula, names);
  NodeRef nothing = g.real(-inf), whole = g.real(0);
  if (lower && !(count && names["y"]->lower >= 0)) {
    NodeRef below = g.operation(Op::LessR, {names["y"], lower});
    if (!count && d.open) below = g.operation(Op::NotI, {g.operation(Op::LessR, {lower, names["y"]})});
    value = g.select(below, upper_tail ? whole : nothing, value);
  }
  if (upper)
    value = g.select(g.operation(Op::LessR, {upper, names["y"]}), upper_tail ? nothing : whole, value);
  return value;
}

/// normal_lpdf, poisson_lcdf, ...: null when the name is none of a distribution's.
NodeRef Checker::distribution_call(const Expression& e) {
  if (e.name == "truncate_rng") return truncated_draw(e);
  const std::size_t cut = e.name.rfind('_');
  if (cut == std::string::npos) return nullptr;
  const std::string name = e.name.substr(0, cut), suffix = e.name.substr(cut + 1);
  const Distribution* d = find_distribution(name);
  if (!d && !find_vector_distribution(name)) return nullptr;
  if (suffix == "rng") return generated(name, e);
  const bool density = suffix == "lpdf" || suffix == "lpmf" || suffix == "pdf" || suffix == "pmf";
  const bool function = suffix == "cdf" || suffix == "lcdf" || suffix == "lccdf" || suffix == "ccdf";
  if (!density && !function) return nullptr;
  if (e.args.empty())
    throw Error("wrong_arity", fmt::format("`{}` takes the outcome first", e.name), e.where);
  NodeRef outcome = expression(e.args[0]);
  if (density) {
    NodeRef value = density_of(name, outcome, e, 1, source_name(e.args[0]));
    return suffix[0] == 'l' ? value : graph().call("exp", {value});
  }
  if (!d)
    throw Error("unknown_function", fmt::format("`{}` has no distribution function here", name), e.where);
  std::vector<NodeRef> args = distribution_arguments(*d, e, 1);
  NodeRef value = distribution_function(*d, suffix == "lccdf" || suffix == "ccdf", outcome, args, e.where);
  return suffix[0] == 'l' ? value : graph().call("exp", {value});
}

void Checker::tilde(const syntax::Statement& s) {
  NodeRef outcome = expression(s.left);
  NodeRef density = log_density(s.right, outcome, source_name(s.left));
  // log_density has checked the arguments; where sufficient statistics do, they replace it.
  const Expression& e = s.right;
  const bool log_normal = e.name == "lognormal", model = e.name == "normal_id_glm";
  if (e.name == "normal" || log_normal || model) {
    Graph& g = graph();
    NodeRef y = g.to_real(outcome);
    NodeRef mu = g.to_real(expression(e.args[0])), sigma = g.to_real(expression(e.args.back()));
    if (model) mu = g.add(g.contract(mu, expression(e.args[2])), expression(e.args[1]));
    if (log_normal) y = g.call("log", {y});
    if (NodeRef reduced = gaussian_sum(g, host_, y, mu, sigma)) {
      density = reduced;
      if (log_normal) density = g.sub(density, g.sum(y));
    } else if (!log_normal && y->scalar() && y->data_only) {
      target(density);
      Action& action = here().back();
      action.y = y, action.mu = mu, action.sigma = sigma;
      return;
    }
  }
  target(density);
}

}  // namespace drey::model
