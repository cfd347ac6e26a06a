#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cnode/bytes.h"
#include "spelling.h"
#include "term/term.h"

/// What a caller may call: a table of modules. There is nothing in it that runs a caller's code.
namespace drey::cnode {

/// How a call ended, as Erlang distinguishes it.
struct Outcome {
  enum class Kind { Value, Error, Throw, Exit, Refused } kind = Kind::Value;  ///< Refused: never begun
  term::Term term;                    ///< the value, the reason, or what was thrown
  term::Term stack = term::list({});  ///< of an error: `[{Module, Function, Arity, []}]`

  static Outcome value(term::Term value) { return {Kind::Value, std::move(value), term::list({})}; }
  static Outcome error(term::Term reason, term::Term stack = term::list({})) {
    return {Kind::Error, std::move(reason), std::move(stack)};
  }
  static Outcome refused(term::Term reason) { return {Kind::Refused, std::move(reason), term::list({})}; }
};

/// The way from a call under way to whoever made it. Any thread, also from within the handler; never blocks. May
/// outlive the call and the node: then nothing happens.
class Caller {
 public:
  virtual ~Caller() = default;
  /// The outcome, exactly once. Later ones are ignored.
  virtual void reply(Outcome outcome) = 0;
  /// Sends a message to a pid of any connected node, as the job's own process.
  virtual void send(const term::Term& pid, term::Term message) = 0;
  /// Writes a line of UTF-8 to the caller's group leader (the shell it called from).
  virtual void log(std::string line) = 0;
};

struct Call {
  std::string module, function;
  std::vector<term::Term> arguments;
  std::shared_ptr<Caller> caller;
};

/// Gives a call up: called on the I/O thread at most once, not after reply. Empty where there is nothing to
/// stop.
using Cancel = std::function<void()>;
/// Starts a call and returns at once: it runs on the I/O thread, which never computes.
using Handler = std::function<Cancel(Call)>;

struct Module {
  std::function<bool(std::string_view function, std::size_t arity)> exports;
  Handler handler;
  std::vector<std::string> names = {};  ///< of functions, for who misspells one
};

class Exports {
 public:
  void add(std::string name, Module module) { modules_[std::move(name)] = std::move(module); }
  /// The module when it has that function, else null.
  const Module* find(std::string_view module, std::string_view function, std::size_t arity) const {
    const auto found = modules_.find(module);
    return found != modules_.end() && found->second.exports(function, arity) ? &found->second : nullptr;
  }
  /// The function that a misspelt name is nearest to; empty: none, or the module does not tell.
  std::string nearest_to(std::string_view module, std::string_view function) const {
    const auto found = modules_.find(module);
    return found == modules_.end() ? std::string() : std::string(nearest(function, found->second.names));
  }
  bool has(std::string_view module) const { return modules_.find(module) != modules_.end(); }
  const std::map<std::string, Module, std::less<>>& modules() const { return modules_; }

 private:
  std::map<std::string, Module, std::less<>> modules_;
};

}  // namespace drey::cnode
