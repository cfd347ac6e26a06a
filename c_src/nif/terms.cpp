#include "nif/terms.h"

#include <cmath>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "error.h"
#include "term/codec.h"

namespace drey::nif {

using term::Term;

namespace {

constexpr std::size_t share_from = 4096;

/// Reads a term. What it has no word for goes through the external term format and the decoder of term/.
class FromVm {
 public:
  explicit FromVm(SharedEnv env) : env_(std::move(env)) {}

  Term read(ERL_NIF_TERM value, std::size_t depth) {
    if (depth > limits_.depth)
      throw Error("bad_term", fmt::format("the term is nested deeper than {}", limits_.depth));
    ErlNifEnv* env = env_.get();
    switch (enif_term_type(env, value)) {
      case ERL_NIF_TERM_TYPE_INTEGER: {
        ErlNifSInt64 integer = 0;
        if (enif_get_int64(env, value, &integer)) return static_cast<std::int64_t>(integer);
        break;
      }
      case ERL_NIF_TERM_TYPE_FLOAT: {
        double number = 0;
        if (enif_get_double(env, value, &number)) return number;
        break;
      }
      case ERL_NIF_TERM_TYPE_ATOM: {
        char name[256];
        const int length = enif_get_atom(env, value, name, sizeof name, ERL_NIF_LATIN1);
        bool ascii = length > 0;
        for (int i = 0; i < length - 1; ++i) ascii = ascii && static_cast<unsigned char>(name[i]) < 0x80;
        if (ascii) return term::Atom{std::string(name, static_cast<std::size_t>(length) - 1)};
        break;
      }
      case ERL_NIF_TERM_TYPE_BITSTRING: {
        ErlNifBinary binary;
        if (!enif_inspect_binary(env, value, &binary)) break;
        if (binary.size > 64) return term::Binary(env_, {binary.data, binary.size});
        return term::Binary(std::vector<std::uint8_t>(binary.data, binary.data + binary.size));
      }
      case ERL_NIF_TERM_TYPE_TUPLE: {
        int arity = 0;
        const ERL_NIF_TERM* elements = nullptr;
        if (!enif_get_tuple(env, value, &arity, &elements)) break;
        count(static_cast<std::size_t>(arity));
        std::vector<Term> terms;
        terms.reserve(static_cast<std::size_t>(arity));
        for (int i = 0; i < arity; ++i) terms.push_back(read(elements[i], depth + 1));
        return term::tuple(std::move(terms));
      }
      case ERL_NIF_TERM_TYPE_LIST:
        return list(value, depth);
      case ERL_NIF_TERM_TYPE_MAP:
        return map(value, depth);
      default:
        break;
    }
    return encoded(value);
  }

 private:
  void count(std::size_t more) {
    elements_ += more;
    if (elements_ > limits_.elements)
      throw Error("bad_term",
                  fmt::format("the term has more than {} elements; send arrays as {{Type, Shape, Binary}}",
                              limits_.elements));
  }

  Term list(ERL_NIF_TERM value, std::size_t depth) {
    term::List result;
    ERL_NIF_TERM head, tail = value;
    while (enif_get_list_cell(env_.get(), tail, &head, &tail)) {
      count(1);
      result.elements.push_back(read(head, depth + 1));
    }
    if (!enif_is_empty_list(env_.get(), tail))
      result.tail = std::make_shared<const Term>(read(tail, depth + 1));
    return result;
  }

  Term map(ERL_NIF_TERM value, std::size_t depth) {
    term::Map result;
    std::size_t size = 0;
    enif_get_map_size(env_.get(), value, &size);
    count(2 * size);
    result.pairs.reserve(size);
    ErlNifMapIterator iterator;
    if (!enif_map_iterator_create(env_.get(), value, &iterator, ERL_NIF_MAP_ITERATOR_FIRST))
      throw Error("bad_term", "a map that cannot be read");
    struct Destroy {
      ErlNifEnv* env;
      ErlNifMapIterator* iterator;
      ~Destroy() { enif_map_iterator_destroy(env, iterator); }
    } destroy{env_.get(), &iterator};
    ERL_NIF_TERM key, element;
    while (enif_map_iterator_get_pair(env_.get(), &iterator, &key, &element)) {
      Term first = read(key, depth + 1);
      result.pairs.emplace_back(std::move(first), read(element, depth + 1));
      enif_map_iterator_next(env_.get(), &iterator);
    }
    return result;
  }

  Term encoded(ERL_NIF_TERM value) {
    ErlNifBinary binary;
    if (!enif_term_to_binary(env_.get(), value, &binary)) throw std::bad_alloc();
    struct Release {
      ErlNifBinary* binary;
      ~Release() { enif_release_binary(binary); }
    } release{&binary};
    // 131, then the term.
    return term::decode(std::span(binary.data, binary.size).subspan(1));
  }

  SharedEnv env_;
  term::Limits limits_;
  std::size_t elements_ = 0;
};

class ToVm {
 public:
  ToVm(ErlNifEnv* env, ErlNifResourceType* binaries) : env_(env), binaries_(binaries) {}

  ERL_NIF_TERM write(const Term& value) {
    return std::visit([&](const auto& v) { return make(v); }, value.value());
  }

 private:
  ERL_NIF_TERM make(std::int64_t value) { return enif_make_int64(env_, value); }

  ERL_NIF_TERM make(double value) {
    if (!std::isfinite(value)) throw Error("not_finite", fmt::format("{} cannot be an Erlang float", value));
    return enif_make_double(env_, value);
  }

  ERL_NIF_TERM make(const term::Atom& value) {
    for (const char c : value.name)
      if (static_cast<unsigned char>(c) >= 0x80) return encoded(value);
    if (value.name.size() > 255) throw Error("bad_term", "an atom of more than 255 characters");
    return enif_make_atom_len(env_, value.name.data(), value.name.size());
  }

  ERL_NIF_TERM make(const term::Binary& value) {
    if (value.size() >= share_from) {
      void* object = enif_alloc_resource(binaries_, sizeof(term::Binary));
      if (!object) throw std::bad_alloc();
      new (object) term::Binary(value);
      const ERL_NIF_TERM made = enif_make_resource_binary(env_, object, value.bytes().data(), value.size());
      enif_release_resource(object);
      return made;
    }
    ERL_NIF_TERM made;
    unsigned char* bytes = enif_make_new_binary(env_, value.size(), &made);
    if (value.size() > 0) std::copy(value.bytes().begin(), value.bytes().end(), bytes);
    return made;
  }

  ERL_NIF_TERM make(const term::Tuple& value) {
    const auto terms = all(value.elements);
    return enif_make_tuple_from_array(env_, terms.data(), static_cast<unsigned>(terms.size()));
  }

  ERL_NIF_TERM make(const term::List& value) {
    ERL_NIF_TERM list = value.tail ? write(*value.tail) : enif_make_list(env_, 0);
    const auto terms = all(value.elements);
    for (std::size_t i = terms.size(); i-- > 0;) list = enif_make_list_cell(env_, terms[i], list);
    return list;
  }

  ERL_NIF_TERM make(const term::Map& value) {
    std::vector<ERL_NIF_TERM> keys, values;
    for (const auto& [key, element] : value.pairs) {
      keys.push_back(write(key));
      values.push_back(write(element));
    }
    ERL_NIF_TERM map;
    if (!enif_make_map_from_arrays(env_, keys.data(), values.data(), keys.size(), &map))
      throw Error("bad_term", "a map with one key twice");
    return map;
  }

  ERL_NIF_TERM make(const term::Opaque& value) { return encoded(value); }

  std::vector<ERL_NIF_TERM> all(const std::vector<Term>& terms) {
    std::vector<ERL_NIF_TERM> made;
    made.reserve(terms.size());
    for (const Term& t : terms) made.push_back(write(t));
    return made;
  }

  ERL_NIF_TERM encoded(const Term& value) {
    auto bytes = term::encode(value).flatten();
    bytes.insert(bytes.begin(), 131);
    ERL_NIF_TERM made;
    if (enif_binary_to_term(env_, bytes.data(), bytes.size(), &made, 0) == 0)
      throw Error("bad_term", "a term that this VM cannot read");
    return made;
  }

  ErlNifEnv* env_;
  ErlNifResourceType* binaries_;
};

void drop_binary(ErlNifEnv*, void* object) { static_cast<term::Binary*>(object)->~Binary(); }

}  // namespace

SharedEnv make_env() {
  ErlNifEnv* env = enif_alloc_env();
  if (!env) throw std::bad_alloc();
  return {env, enif_free_env};
}

Term from_vm(const SharedEnv& env, ERL_NIF_TERM value) { return FromVm(env).read(value, 0); }

ERL_NIF_TERM to_vm(ErlNifEnv* env, const Term& value, ErlNifResourceType* binaries) {
  return ToVm(env, binaries).write(value);
}

ErlNifResourceType* open_binaries(ErlNifEnv* env) {
  return enif_open_resource_type(env, nullptr, "drey_binary", drop_binary,
                                 static_cast<ErlNifResourceFlags>(ERL_NIF_RT_CREATE | ERL_NIF_RT_TAKEOVER),
                                 nullptr);
}

}  // namespace drey::nif
