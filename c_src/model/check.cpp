#include "model/check.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "error.h"
#include "model/checker.h"
#include "model/data.h"
#include "model/nearest.h"
#include "model/simplify.h"
#include "model/walk.h"

namespace drey::model {

Checked check(syntax::Model model, std::set<std::string>& overwritten) {
  return Checker(std::move(model), overwritten).run();
}

Checker::Checker(syntax::Model model, std::set<std::string>& overwritten)
    : model_(std::move(model)), host_(checked_.graph), overwritten_(overwritten) {}

Checked Checker::run() {
  scopes_.emplace_back();
  for (auto& entry : model_.data) {
    Symbol symbol;
    symbol.kind = Symbol::Kind::Data;
    symbol.value = graph().add_data(entry.name, entry.shape, std::move(entry.values));
    define(entry.name, symbol, "data");
  }
  for (const auto& function : model_.functions) {
    if (!functions_.emplace(function.name, &function).second)
      throw Error("invalid_model", fmt::format("the function `{}` is defined twice", function.name),
                  "functions");
  }
  transformed_data();
  actions_.push_back(&checked_.constraints);
  parameters();
  block_ = BlockKind::Transformed;
  actions_.back() = &checked_.transformed;
  statements(model_.transformed, BlockKind::Transformed, true);
  record(BlockKind::Transformed);
  block_ = BlockKind::Model;
  actions_.back() = &checked_.model;
  scopes_.emplace_back();
  statements(model_.model, BlockKind::Model, true);
  scopes_.pop_back();
  block_ = BlockKind::Generated;
  actions_.back() = &checked_.generated;
  statements(model_.generated, BlockKind::Generated, true);
  record(BlockKind::Generated);
  if (checked_.dimension == 0)
    throw Error("invalid_model",
                "the model has no parameters; give at least one {Name, Type} under parameters", "parameters");
  note_overwritten(walk(checked_));
  simplify(checked_);
  return std::move(checked_);
}

void Checker::unknown(const std::string& what, const std::string& name, const std::vector<std::string>& known,
                      const std::string& where, const std::string& reason) const {
  std::string hint = did_you_mean(name, known);
  for (const auto& p : model_.parameters)
    if (reason == "unknown_name" && p.name == name && block_ == BlockKind::Parameters)
      hint = fmt::format("; `{}` is declared further on: move it before what needs it", name);
  if (hint.empty() && reason == "unknown_name") {
    hint = known.empty() ? "; nothing is defined here yet: give it under data or parameters"
                         : "; give it under data or parameters";
    if (!known.empty() && known.size() <= 12) hint += fmt::format(" (there are {})", fmt::join(known, ", "));
  }
  throw Error(reason, fmt::format("there is no {} `{}`{}", what, name.substr(0, 80), hint), where);
}

std::vector<std::string> Checker::names() const {
  std::vector<std::string> all;
  for (const Scope& scope : scopes_)
    for (const auto& [name, symbol] : scope) all.push_back(name);
  return all;
}

Checker::Symbol* Checker::find(const std::string& name) {
  for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
    auto found = scope->find(name);
    if (found != scope->end()) return &found->second;
  }
  return nullptr;
}

const Checker::Symbol& Checker::lookup(const std::string& name, const std::string& where) {
  const Symbol* symbol = find(name);
  if (!symbol) unknown("name", name, names(), where);
  if (!symbol->value)
    throw Error("invalid_model", fmt::format("`{}` is read before anything was set in it", name), where);
  return *symbol;
}

NodeRef Checker::value_of(const std::string& name, const std::string& where) {
  const Symbol& symbol = lookup(name, where);
  return symbol.overwritten ? read(symbol.memory, name) : symbol.value;
}

void Checker::define(const std::string& name, Symbol symbol, const std::string& where) {
  if (find(name))
    throw Error("invalid_model", fmt::format("`{}` is already defined; choose another name", name), where);
  scopes_.back().emplace(name, symbol);
}

void Checker::output(const std::string& name, OutputKind kind, NodeRef value) {
  checked_.outputs.push_back({name, kind, value});
}

void Checker::record(BlockKind kind) {
  const OutputKind as = kind == BlockKind::Generated ? OutputKind::Generated : OutputKind::Transformed;
  for (auto& named : checked_.outputs)
    if (!named.value && named.kind == as)
      named.value = value_of(named.name, kind == BlockKind::Generated ? "generated" : "transformed");
}

void Checker::transformed_data() {
  Actions actions;
  actions_.push_back(&actions);
  scopes_.emplace_back();
  block_ = BlockKind::TransformedData;
  statements(model_.transformed_data, BlockKind::TransformedData, true);
  actions_.pop_back();
  try {
    host_.run(actions);
  } catch (const Error&) {
    note_overwritten(host_.stored_again());  // what is set again may be what went wrong
    throw;
  }
  note_overwritten(host_.stored_again());
  Scope computed = std::move(scopes_.back());
  scopes_.pop_back();
  for (auto& [name, symbol] : computed) {
    Symbol made;
    made.kind = Symbol::Kind::Data;
    if (!symbol.value)
      throw Error("invalid_model", fmt::format("nothing was set in `{}`", name), "transformed_data");
    std::vector<double> values = host_.all(symbol.value);
    const Shape& shape = symbol.value->shape;
    for (std::size_t i = 0; i < values.size(); ++i)
      if (!std::isfinite(values[i]))
        throw Error("not_finite", fmt::format("{} is {}", element_name(name, shape, i), values[i]),
                    "transformed_data: " + name);
    if (symbol.value->type == Type::Integer) {
      std::vector<std::int64_t> whole(values.begin(), values.end());
      made.value = graph().add_data(name, shape, std::move(whole));
    } else {
      made.value = graph().add_data(name, shape, std::move(values));
    }
    define(name, made, "transformed_data");
  }
}

void Checker::parameters() {
  block_ = BlockKind::Parameters;
  for (const auto& p : model_.parameters) {
    try {
      NodeRef value = parameter(p);
      Symbol symbol;
      symbol.kind = Symbol::Kind::Parameter;
      symbol.value = value;
      define(p.name, symbol, p.where);
      output(p.name, OutputKind::Parameter, value);
    } catch (const Error& error) {
      if (!error.where().empty()) throw;
      throw error.within(p.where);
    }
  }
}

}  // namespace drey::model
