#include "term/term.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace drey::term {

Binary::Binary(std::string_view text) : Binary(std::vector<std::uint8_t>(text.begin(), text.end())) {}

Binary::Binary(std::vector<std::uint8_t> bytes) {
  auto owner = std::make_shared<const std::vector<std::uint8_t>>(std::move(bytes));
  bytes_ = *owner;
  owner_ = std::move(owner);
}

bool Term::is_atom(std::string_view name) const {
  const auto* atom = as<Atom>();
  return atom && atom->name == name;
}

const Tuple* Term::tagged(std::string_view tag, std::size_t arity) const {
  const auto* tuple = as<Tuple>();
  if (!tuple || arity == 0 || tuple->elements.size() != arity) return nullptr;
  return tuple->elements.front().is_atom(tag) ? tuple : nullptr;
}

std::optional<double> Term::number() const {
  if (const auto* integer = as<std::int64_t>()) return static_cast<double>(*integer);
  if (const auto* real = as<double>()) return *real;
  return std::nullopt;
}

const Term* Term::find(std::string_view name) const {
  if (const auto* map = as<Map>()) {
    for (const auto& [key, value] : map->pairs)
      if (key.is_atom(name)) return &value;
  } else if (const auto* list = as<List>()) {
    // A property list: {Name, Value}, or a bare Name that stands for {Name, true}.
    static const Term yes = boolean(true);
    for (const Term& element : list->elements) {
      if (element.is_atom(name)) return &yes;
      if (const auto* pair = element.tagged(name, 2)) return &pair->elements[1];
    }
  }
  return nullptr;
}

Term atom(std::string_view name) { return Atom{std::string(name)}; }
Term text(std::string_view utf8) { return Binary(utf8); }
Term tuple(std::vector<Term> elements) { return Tuple{std::move(elements)}; }
Term list(std::vector<Term> elements) { return List{std::move(elements), nullptr}; }
Term boolean(bool value) { return atom(value ? "true" : "false"); }

Term map(std::vector<std::pair<std::string_view, Term>> pairs) {
  Map map;
  map.pairs.reserve(pairs.size());
  for (auto& [key, value] : pairs) map.pairs.emplace_back(atom(key), std::move(value));
  return map;
}

namespace {

/// Prints until `limit` bytes are written. Each level of nesting writes at least one byte before it descends,
/// so the recursion is bounded by the limit too.
class Printer {
 public:
  explicit Printer(std::size_t limit) : limit_(limit) {}

  void print(const Term& term) {
    std::visit([this](const auto& value) { write(value); }, term.value());
  }

  std::string finish() {
    if (full_) {
      // Not through the middle of a UTF-8 sequence.
      std::size_t cut = std::min(limit_, out_.size());
      while (cut > 0 && cut < out_.size() && (static_cast<unsigned char>(out_[cut]) & 0xc0) == 0x80) --cut;
      out_.resize(cut);
      out_ += "...";
    }
    return std::move(out_);
  }

 private:
  bool add(std::string_view text) {
    if (full_) return false;
    out_ += text;
    full_ = out_.size() > limit_;
    return !full_;
  }

  void write(std::int64_t value) { add(fmt::format("{}", value)); }

  void write(double value) {
    if (!std::isfinite(value)) {
      add(fmt::format("{}", value));
      return;
    }
    if (std::signbit(value)) add("-");
    // The shortest digits that read back to the value, and the place of the point, counted from their left.
    std::string text = fmt::format("{}", std::fabs(value));
    int place = 0;
    if (const std::size_t e = text.find('e'); e != std::string::npos) {
      place = std::stoi(text.substr(e + 1));
      text.resize(e);
    }
    const std::size_t point = std::min(text.find('.'), text.size());
    place += static_cast<int>(point);
    if (point < text.size()) text.erase(point, 1);
    const std::size_t zeros = std::min(text.find_first_not_of('0'), text.size() - 1);
    text.erase(0, zeros);
    place -= static_cast<int>(zeros);
    while (text.size() > 1 && text.back() == '0') text.pop_back();
    if (text == "0") place = 1;
    add(place_point(text, place));
  }

  /// As io_lib_format does: a plain decimal while it is no longer than the form with an exponent.
  static std::string place_point(const std::string& digits, int place) {
    const int length = static_cast<int>(digits.size());
    const std::string exponent = std::to_string(place - 1);
    const int cost = static_cast<int>(exponent.size()) + 1 + (length == 1 ? 2 : 1);
    const auto zeros = [](int count) { return std::string(static_cast<std::size_t>(count), '0'); };
    if (place > 0 && place < length)
      return digits.substr(0, static_cast<std::size_t>(place)) + "." +
             digits.substr(static_cast<std::size_t>(place));
    if (place <= 0 && (place == 0 || 2 - place <= cost)) return "0." + zeros(-place) + digits;
    if (place >= length && place - length + 2 <= cost) return digits + zeros(place - length) + ".0";
    return digits.substr(0, 1) + "." + (length == 1 ? "0" : digits.substr(1)) + "e" + exponent;
  }

  void write(const Atom& value) {
    bool plain = !value.name.empty() && value.name.front() >= 'a' && value.name.front() <= 'z';
    for (const char c : value.name)
      plain = plain && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                        c == '_' || c == '@');
    if (plain) {
      add(value.name);
      return;
    }
    add("'");
    quoted(value.name, '\'');
    add("'");
  }

  void write(const Binary& value) {
    if (value.size() == 0) {
      add("<<>>");
      return;
    }
    if (is_text(value.text())) {
      add("<<\"");
      quoted(value.text(), '"');
      add("\">>");
      return;
    }
    add("<<");
    bool first = true;
    for (const std::uint8_t byte : value.bytes()) {
      if (!add(first ? fmt::format("{}", byte) : fmt::format(",{}", byte))) return;
      first = false;
    }
    add(">>");
  }

  void write(const Tuple& value) {
    if (!add("{")) return;
    sequence(value.elements);
    add("}");
  }

  void write(const List& value) {
    if (!value.tail && !value.elements.empty() && is_string(value)) {
      std::string characters;
      for (const Term& element : value.elements) {
        if (characters.size() > limit_) break;
        characters += static_cast<char>(*element.as<std::int64_t>());
      }
      add("\"");
      quoted(characters, '"');
      add("\"");
      return;
    }
    if (!add("[")) return;
    sequence(value.elements);
    if (value.tail) {
      add("|");
      if (!full_) print(*value.tail);
    }
    add("]");
  }

  void write(const Map& value) {
    if (!add("#{")) return;
    bool first = true;
    for (const auto& [key, element] : value.pairs) {
      if (!first) add(",");
      first = false;
      if (full_) return;
      print(key);
      if (!add(" => ")) return;
      print(element);
    }
    add("}");
  }

  void write(const Opaque& value) {
    const unsigned tag = value.bytes.empty() ? 0u : value.bytes.front();
    switch (tag) {
      case 88:
      case 103:
        add("#Pid<...>");
        return;
      case 90:
      case 101:
      case 114:
        add("#Ref<...>");
        return;
      case 89:
      case 102:
      case 120:
        add("#Port<...>");
        return;
      case 112:
      case 113:
        add("#Fun<...>");
        return;
      case 110:
      case 111:
        add(fmt::format("#Integer<{} bytes>", value.bytes.size()));
        return;
      case 77:
        add("#Bitstring<...>");
        return;
      default:
        add("#Opaque<...>");
        return;
    }
  }

  void sequence(const std::vector<Term>& elements) {
    bool first = true;
    for (const Term& element : elements) {
      if (!first) add(",");
      first = false;
      if (full_) return;
      print(element);
    }
  }

  void quoted(std::string_view text, char quote) {
    for (const char c : text) {
      if (full_) return;
      if (c == quote || c == '\\') {
        add(std::string{'\\', c});
      } else if (c == '\n') {
        add("\\n");
      } else if (c == '\t') {
        add("\\t");
      } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
        add(fmt::format("\\x{{{:X}}}", static_cast<unsigned>(c)));
      } else {
        add(std::string_view(&c, 1));
      }
    }
  }

  static bool is_text(std::string_view text) {
    for (const char c : text)
      if ((static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') ||
          static_cast<unsigned char>(c) >= 0x7f)
        return false;
    return true;
  }

  static bool is_string(const List& list) {
    for (const Term& element : list.elements) {
      const auto* integer = element.as<std::int64_t>();
      if (!integer || ((*integer < 0x20 || *integer > 0x7e) && *integer != '\n' && *integer != '\t'))
        return false;
    }
    return true;
  }

  std::size_t limit_;
  std::string out_;
  bool full_ = false;
};

}  // namespace

std::string to_string(const Term& term, std::size_t limit) {
  Printer printer(limit);
  printer.print(term);
  return printer.finish();
}

}  // namespace drey::term
