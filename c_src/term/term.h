#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

/// Erlang terms as values. This folder promises: whatever bytes come in, decoding is bounded (size, depth,
/// count) and memory-safe; whatever goes out can be decoded by a BEAM. Both doors and the service speak
/// `Term`; nothing else of the engine sees the external term format.
namespace drey::term {

class Term;

/// An atom's name in UTF-8. Names are never interned.
struct Atom {
  std::string name;
  bool operator==(const Atom&) const = default;
};

/// Bytes shared, never copied: a view and what keeps it alive. A large result array is a Binary over the
/// buffer it was computed in.
class Binary {
 public:
  Binary() = default;
  explicit Binary(std::string_view text);
  explicit Binary(std::vector<std::uint8_t> bytes);
  Binary(std::shared_ptr<const void> owner, std::span<const std::uint8_t> bytes)
      : owner_(std::move(owner)), bytes_(bytes) {}

  std::span<const std::uint8_t> bytes() const { return bytes_; }
  std::size_t size() const { return bytes_.size(); }
  std::string_view text() const { return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()}; }
  const std::shared_ptr<const void>& owner() const { return owner_; }
  bool operator==(const Binary& other) const { return text() == other.text(); }

 private:
  std::shared_ptr<const void> owner_;
  std::span<const std::uint8_t> bytes_;
};

/// What Drey never looks into: pids, references, ports, funs, bignums beyond 64 bits, bit strings. Kept as
/// the bytes they came in (external term format, without the leading 131), and echoed.
struct Opaque {
  std::vector<std::uint8_t> bytes;
  bool operator==(const Opaque&) const = default;
};

struct Tuple {
  std::vector<Term> elements;
  bool operator==(const Tuple&) const = default;
};

/// A list; `tail` is null for a proper one.
struct List {
  std::vector<Term> elements;
  std::shared_ptr<const Term> tail;
  bool operator==(const List&) const;
};

/// Pairs in the order they came in (encoding keeps it). Lookup is linear: maps here are small.
struct Map {
  std::vector<std::pair<Term, Term>> pairs;
  bool operator==(const Map&) const;
};

class Term {
 public:
  using Value = std::variant<std::int64_t, double, Atom, Binary, Tuple, List, Map, Opaque>;

  Term() : value_(Atom{"undefined"}) {}
  Term(std::int64_t integer) : value_(integer) {}       // NOLINT
  Term(int integer) : value_(std::int64_t{integer}) {}  // NOLINT
  Term(double number) : value_(number) {}               // NOLINT
  Term(Atom atom) : value_(std::move(atom)) {}          // NOLINT
  Term(Binary binary) : value_(std::move(binary)) {}    // NOLINT
  Term(Tuple tuple) : value_(std::move(tuple)) {}       // NOLINT
  Term(List list) : value_(std::move(list)) {}          // NOLINT
  Term(Map map) : value_(std::move(map)) {}             // NOLINT
  Term(Opaque opaque) : value_(std::move(opaque)) {}    // NOLINT

  const Value& value() const { return value_; }
  template <typename T>
  const T* as() const {
    return std::get_if<T>(&value_);
  }
  template <typename T>
  T* as() {
    return std::get_if<T>(&value_);
  }

  bool is_atom(std::string_view name) const;
  /// A tuple of `arity` elements whose first is the atom `tag`; null otherwise.
  const Tuple* tagged(std::string_view tag, std::size_t arity) const;
  /// An integer or a float as a double.
  std::optional<double> number() const;
  /// The value under the atom key `name` of a map, or of a property list; null when absent.
  const Term* find(std::string_view name) const;

  bool operator==(const Term&) const = default;

 private:
  Value value_;
};

inline bool Map::operator==(const Map& other) const { return pairs == other.pairs; }
inline bool List::operator==(const List& other) const {
  if (elements != other.elements) return false;
  if (!tail || !other.tail) return !tail && !other.tail;
  return *tail == *other.tail;
}

// Builders, so that answers read like the Erlang they become.
Term atom(std::string_view name);
Term text(std::string_view utf8);  // a binary
Term tuple(std::vector<Term> elements);
Term list(std::vector<Term> elements);
/// A map with atom keys.
Term map(std::vector<std::pair<std::string_view, Term>> pairs);
/// `true` or `false`.
Term boolean(bool value);

/// The term as Erlang would print it, cut after about `limit` bytes: for messages and logs.
std::string to_string(const Term& term, std::size_t limit = 200);

}  // namespace drey::term
