#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace drey {

/// The one error of the engine. Thrown inside; turned into a term at exactly two borders: the service
/// (`{error, #{reason, message, where}}`) and a door's own frame handling.
///
/// `reason` is an atom a program can match (`unknown_name`, `wrong_shape`, `not_finite`, ...), `message`
/// a sentence for a person: what was wrong, what was found, what to do. `where` is the position in the
/// caller's term, such as `model[3]: '~' y: arg 2`, and may be empty.
class Error : public std::runtime_error {
 public:
  Error(std::string reason, const std::string& message, std::string where = {})
      : std::runtime_error(message), reason_(std::move(reason)), where_(std::move(where)) {}

  const std::string& reason() const noexcept { return reason_; }
  std::string message() const { return what(); }
  const std::string& where() const noexcept { return where_; }

  /// The same error with `outer` put in front of its position.
  Error within(const std::string& outer) const {
    return Error(reason_, what(), where_.empty() ? outer : outer + ": " + where_);
  }

 private:
  std::string reason_;
  std::string where_;
};

}  // namespace drey
