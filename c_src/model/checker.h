#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "model/checked.h"
#include "model/distributions.h"
#include "model/host.h"
#include "model/syntax.h"

/// The checker's own workings, shared by the files that make it up: check.cpp (blocks and names),
/// check_statements.cpp, check_control.cpp (loops and branches), check_actions.cpp, expressions.cpp, densities.cpp, constraints.cpp, library.cpp. Nobody else includes this.
namespace drey::model {

class Checker {
 public:
  /// \param overwritten positions of the declarations whose names may be set again; run() adds those it finds
  Checker(syntax::Model model, std::set<std::string>& overwritten);
  Checked run();

  // ---- for library.cpp's forms
  NodeRef expression(const syntax::Expression& e);
  /// A function of the model, or of the language, of values.
  NodeRef apply(const std::string& function, std::vector<NodeRef> args, const std::string& where);
  NodeRef arithmetic(const std::string& op, NodeRef a, NodeRef b);
  std::int64_t constant_integer(const syntax::Expression& e, const char* what);
  std::uint64_t size(const syntax::Expression& e, const char* what);
  NodeRef integer(NodeRef node, const std::string& where);
  NodeRef condition(NodeRef node, const std::string& where);
  /// What decides the program's structure (bounds, indices, conditions): integers that are known with the data
  /// become literals. Everywhere else whole numbers are data, so new ones need no new program.
  NodeRef settled(NodeRef node);
  Graph& graph() { return checked_.graph; }
  HostValues& host() { return host_; }

  // ---- for distributions of vectors
  void check_domain(NodeRef value, Domain domain, const std::string& name, const std::string& where,
                    const std::string& reason = "out_of_domain");
  NodeRef instantiate(const Formula& formula, const std::map<std::string, NodeRef>& names);
  NodeRef univariate(const Distribution& d, NodeRef outcome, const std::vector<NodeRef>& args,
                     const std::string& outcome_name, const std::string& where);

  // ---- check_actions.cpp: building actions, for every form that needs statements
  Actions& here() { return *actions_.back(); }
  void target(NodeRef value);
  NodeRef declare(const std::string& name, Type type, Shape shape, bool overwritten = false);
  void store(NodeRef variable, std::vector<NodeRef> index, NodeRef value);
  /// Loops over an array's elements: `body` gets the index of one.
  void each_element(std::span<const std::uint64_t> shape,
                    const std::function<void(const std::vector<NodeRef>&)>& body);
  /// variable[index] = value, element by element where that is an array: all of the variable, or what leading indices
  /// leave of it. A scalar value goes to every element.
  void store_all(NodeRef variable, NodeRef value, const std::vector<NodeRef>& index = {},
                 Action::Kind kind = Action::Kind::Store);
  /// for i in from .. to - 1 (0-based).
  void loop(const std::string& name, NodeRef from, NodeRef to, const std::function<void(NodeRef)>& body);
  void loop(const std::string& name, std::uint64_t trips, const std::function<void(NodeRef)>& body);
  /// A variable that holds `value`, so that it is computed once and may be read at any index.
  NodeRef keep(NodeRef value, const std::string& name);

 private:
  enum class BlockKind : std::uint8_t {
    TransformedData,
    Parameters,
    Transformed,
    Model,
    Generated,
    Function
  };

  struct Symbol {
    enum class Kind : std::uint8_t { Data, Parameter, Value, Variable, Loop };
    Kind kind = Kind::Value;
    NodeRef value = nullptr;   ///< Variable: what it holds now; null before anything was set
    NodeRef memory = nullptr;  ///< Variable: where elements are set one by one
    bool overwritten = false;  ///< Variable: `memory` holds it whatever is set, and is read where it is named
    BlockKind block = BlockKind::Parameters;  ///< Variable: where it was declared, and may be set
  };
  using Scope = std::map<std::string, Symbol>;

  // ---- check.cpp
  void define(const std::string& name, Symbol symbol, const std::string& where);
  void transformed_data();
  void record(BlockKind kind);
  void parameters();
  void output(const std::string& name, OutputKind kind, NodeRef value);
  Symbol* find(const std::string& name);
  const Symbol& lookup(const std::string& name, const std::string& where);
  /// What a name stands for, here.
  NodeRef value_of(const std::string& name, const std::string& where);
  [[noreturn]] void unknown(const std::string& what, const std::string& name,
                            const std::vector<std::string>& known, const std::string& where,
                            const std::string& reason = "unknown_name") const;
  std::vector<std::string> names() const;

  // ---- check_statements.cpp
  void statements(const syntax::Statements& list, BlockKind kind, bool outermost);
  void statement(const syntax::Statement& s, BlockKind kind, bool outermost);
  void set(const syntax::Statement& s);

  // ---- check_overwritten.cpp
  /// What an overwritten variable holds here, as a value that stays; `axes` as of an `at`.
  NodeRef read(NodeRef variable, const std::string& name, const std::vector<Axis>& axes);
  NodeRef read(NodeRef variable, const std::string& name);
  /// variable[index...] = value, the symbol's being an overwritten one.
  void overwrite(const syntax::Statement& s, Symbol& symbol, const std::vector<NodeRef>& index,
                 NodeRef value);
  /// What `s` adds to the very element that it sets; null where it does anything else.
  const syntax::Expression* added(const syntax::Statement& s);
  void note_overwritten(const std::set<VariableId>& variables);

  // ---- check_control.cpp
  /// Symbols declared outside that `body` sets, and that hold a value rather than elements set one by one.
  std::vector<std::string> carried(const syntax::Statements& body);
  void unrolled(const syntax::Statement& s, BlockKind kind, std::int64_t from, std::int64_t to);
  void for_loop(const syntax::Statement& s, BlockKind kind);
  void data_if(const syntax::Statement& s, BlockKind kind);

  // ---- expressions.cpp
  NodeRef call(const syntax::Expression& e);
  NodeRef at(const syntax::Expression& e);
  Axis axis(const syntax::Expression& e, NodeRef x, std::size_t dimension);
  NodeRef user_function(const syntax::FunctionDefinition& f, std::vector<NodeRef> args,
                        const std::string& where);
  void arity(const syntax::Expression& e, std::size_t least, std::size_t most);
  std::vector<std::string> function_names() const;
  /// 0-based index of a 1-based one, checked where it is fixed.
  NodeRef zero_based(NodeRef index, std::uint64_t size, const std::string& where);

  // ---- densities.cpp
  void tilde(const syntax::Statement& s);
  /// Log density of `outcome` under the distribution `e`, elementwise where it is univariate.
  NodeRef log_density(const syntax::Expression& e, NodeRef outcome, const std::string& outcome_name);
  std::string value_text(NodeRef node, std::uint64_t element, const std::string& name);
  NodeRef guard(NodeRef density, NodeRef outcome, NodeRef lower, NodeRef upper, bool open);
  const syntax::Expression& distribution(const syntax::Expression& e);
  /// The density of the distribution `name`, its parameters being e's arguments from `from` on.
  NodeRef density_of(const std::string& name, NodeRef outcome, const syntax::Expression& e, std::size_t from,
                     const std::string& outcome_name);
  /// log P(Y <= y), or log P(Y > y).
  NodeRef distribution_function(const Distribution& d, bool upper_tail, NodeRef y,
                                const std::vector<NodeRef>& args, const std::string& where);
  /// Of those that are no formula of the table.
  NodeRef tail_function(const Distribution& d, bool upper_tail, NodeRef y, const std::vector<NodeRef>& args,
                        const std::string& where);
  NodeRef hypergeometric_function(bool upper_tail, NodeRef y, const std::vector<NodeRef>& args,
                                  const std::string& where);
  [[noreturn]] void no_univariate(const syntax::Expression& e);
  NodeRef truncated(const syntax::Expression& e, NodeRef outcome, const std::string& outcome_name);
  NodeRef truncated_draw(const syntax::Expression& e);
  NodeRef truncated_draw(const Distribution& d, const std::vector<NodeRef>& args, NodeRef lower,
                         NodeRef upper, const std::string& where);
  NodeRef censored(const syntax::Expression& e, NodeRef outcome, const std::string& outcome_name);
  NodeRef distribution_call(const syntax::Expression& e);

  // ---- generators.cpp
  NodeRef generated(const std::string& name, const syntax::Expression& e);
  /// draw(elements of values), for every element of their common shape, or of `shape` where all are scalars.
  NodeRef for_each_element(const std::string& name, const Distribution& d, const std::vector<NodeRef>& values,
                           Shape shape, const syntax::Expression& e,
                           const std::function<NodeRef(const std::vector<NodeRef>&)>& draw);
  std::vector<NodeRef> distribution_arguments(const Distribution& d, const syntax::Expression& e,
                                              std::size_t from = 0);
  std::vector<std::string> distribution_names() const;

  // ---- constraints.cpp
  struct ParsedType {
    std::string base;  ///< "real", "simplex", ...
    Shape batch;       ///< of the arrays around it
    Shape inner;       ///< of one element: {} for real, {K}, {R, C}
    Shape shape() const {
      Shape all = batch;
      all.insert(all.end(), inner.begin(), inner.end());
      return all;
    }
  };
  ParsedType type(const syntax::Expression& e, int depth = 0);
  NodeRef parameter(const syntax::ParameterDeclaration& p);
  NodeRef constrain_elements(const ParsedType& t, std::uint64_t offset,
                             const syntax::ParameterDeclaration& p);
  /// The variable holding the constrained values of an array of structures (simplex and so on), from
  /// consecutive stretches of the point.
  NodeRef constrain_structures(const ParsedType& t, std::uint64_t offset, std::uint64_t free_size,
                               const std::string& name);

  syntax::Model model_;
  Checked checked_;
  HostValues host_;
  std::vector<Scope> scopes_;
  std::vector<Actions*> actions_;
  std::string where_;               ///< of the statement being checked
  std::vector<std::string> calls_;  ///< user functions being expanded
  std::map<std::string, const syntax::FunctionDefinition*> functions_;
  BlockKind block_ = BlockKind::Parameters;
  std::vector<std::string> recorded_;  ///< declared names that are outputs, in order
  std::size_t expansions_ = 0;
  std::set<std::string>& overwritten_;
  std::map<VariableId, std::string> declared_at_;  ///< variables of the model's own, by the statement
};

}  // namespace drey::model
