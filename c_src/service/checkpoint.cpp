#include "service/checkpoint.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstring>

#include <fmt/format.h>

#include "error.h"
#include "service/arrays.h"
#include "service/tuning.h"
#include "term/codec.h"

namespace drey::service {

using term::Term;

namespace {

/// What a checkpoint begins with: a name, the format's version, the SHA-256 of what follows.
constexpr std::string_view kMagic = "DREYCKPT";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kDigest = 32, kHead = kMagic.size() + 4 + kDigest;
constexpr std::int64_t kMostCount = std::int64_t{1} << 40;

using Digest = std::array<unsigned char, kDigest>;

Digest digest(std::span<const std::uint8_t> bytes) {
  Digest result{};
  unsigned int size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), result.data(), &size, EVP_sha256(), nullptr) != 1 ||
      size != kDigest)
    throw Error("internal", "SHA-256 failed");
  return result;
}

[[noreturn]] void refuse(const std::string& message) {
  throw Error("wrong_checkpoint", message, "options: resume");
}

Term whole(std::uint64_t n) { return {static_cast<std::int64_t>(n)}; }

Term bytes_term(const std::vector<std::byte>& bytes) {
  const auto* at = reinterpret_cast<const std::uint8_t*>(bytes.data());
  return term::Binary(std::vector<std::uint8_t>(at, at + bytes.size()));
}

const Term& field(const Term& map, std::string_view name) {
  const Term* value = map.find(name);
  if (!value) refuse(fmt::format("the checkpoint has no {}", name));
  return *value;
}

std::uint64_t count(const Term& map, std::string_view name) {
  const auto* n = field(map, name).as<std::int64_t>();
  if (!n || *n < 0 || *n > kMostCount) refuse(fmt::format("the checkpoint's {} is no count", name));
  return static_cast<std::uint64_t>(*n);
}

std::string text(const Term& map, std::string_view name) {
  const auto* binary = field(map, name).as<term::Binary>();
  if (!binary || binary->size() > 4096) refuse(fmt::format("the checkpoint's {} is no text", name));
  return std::string(binary->text());
}

std::vector<std::byte> bytes(const Term& map, std::string_view name) {
  const auto* binary = field(map, name).as<term::Binary>();
  if (!binary) refuse(fmt::format("the checkpoint's {} is no binary", name));
  const auto* at = reinterpret_cast<const std::byte*>(binary->bytes().data());
  return {at, at + binary->size()};
}

const std::vector<Term>& elements(const Term& map, std::string_view name) {
  const auto* list = field(map, name).as<term::List>();
  if (!list || list->tail) refuse(fmt::format("the checkpoint's {} is no list", name));
  return list->elements;
}

std::vector<double> numbers(const Term& map, std::string_view name) {
  try {
    return read_numbers(field(map, name), name).values;
  } catch (const Error& error) {
    refuse(error.message());
  }
}

constexpr std::array<std::string_view, 3> keeps = {"all", "new", "none"};
constexpr std::array<std::string_view, 3> precisions = {"f32", "f64", "auto"};

template <std::size_t N>
std::size_t choice(const Term& map, std::string_view name, const std::array<std::string_view, N>& names) {
  const Term& value = field(map, name);
  for (std::size_t i = 0; i < N; ++i)
    if (value.is_atom(names[i])) return i;
  refuse(fmt::format("the checkpoint's {} is none", name));
}

Term options_term(const nuts::Options& options) {
  return term::map({{"chains", whole(options.chains)},
                    {"draws", whole(options.draws)},
                    {"thin", whole(options.thin)},
                    {"seed", Term(static_cast<std::int64_t>(options.seed))},
                    {"first_chain", whole(options.first_chain)},
                    {"max_depth", Term(options.max_depth)},
                    {"target_accept", Term(options.target_accept)},
                    {"precision", term::atom(precisions[static_cast<std::size_t>(options.precision)])}});
}

nuts::Options read_run_options(const Term& map) {
  nuts::Options options;
  options.chains = count(map, "chains");
  options.draws = count(map, "draws");
  options.thin = count(map, "thin");
  const auto* seed = field(map, "seed").as<std::int64_t>();
  if (!seed || *seed < 0) refuse("the checkpoint's seed is none");
  options.seed = static_cast<std::uint64_t>(*seed);
  options.first_chain = count(map, "first_chain");
  options.max_depth = static_cast<int>(std::min<std::uint64_t>(count(map, "max_depth"), 1000));
  const auto accept = field(map, "target_accept").number();
  if (!accept) refuse("the checkpoint's target_accept is no number");
  options.target_accept = *accept;
  constexpr nuts::PrecisionChoice choices[] = {nuts::PrecisionChoice::F32, nuts::PrecisionChoice::F64,
                                               nuts::PrecisionChoice::Auto};
  options.precision = choices[choice(map, "precision", precisions)];
  // The bounds that options have when a caller gives them; the rest the sampler checks.
  if (options.chains == 0 || options.chains > 65536 || options.draws == 0 || options.draws > 1000000 ||
      options.thin == 0 || options.thin > 10000 || options.first_chain >> 32)
    refuse("the checkpoint's chains, draws or thin are out of their bounds");
  return options;
}

Term snapshot_term(const nuts::Snapshot& snapshot) {
  std::vector<Term> batches, suspects;
  for (const auto& batch : snapshot.batches)
    batches.push_back(term::map({{"first", whole(batch.first)},
                                 {"count", whole(batch.count)},
                                 {"draws", whole(batch.draws)},
                                 {"ahead", whole(batch.ahead)},
                                 {"state", bytes_term(batch.state)},
                                 {"record", bytes_term(batch.record)},
                                 {"last", array_f64(batch.last, {batch.last.size()})}}));
  for (const auto& suspect : snapshot.suspects)
    suspects.push_back(term::map({{"chain", whole(suspect.chain)},
                                  {"draw", whole(suspect.draw)},
                                  {"before", array_f64(suspect.before, {suspect.before.size()})}}));
  return term::map({{"layout", term::text(snapshot.layout)},
                    {"batches", term::list(std::move(batches))},
                    {"suspects", term::list(std::move(suspects))},
                    {"divergent", whole(snapshot.divergent)},
                    {"deep", whole(snapshot.deep)},
                    {"gradients", whole(snapshot.gradients)}});
}

nuts::Snapshot read_snapshot(const Term& map) {
  nuts::Snapshot snapshot;
  snapshot.layout = text(map, "layout");
  for (const Term& from : elements(map, "batches")) {
    auto& batch = snapshot.batches.emplace_back();
    batch.first = count(from, "first");
    batch.count = count(from, "count");
    batch.draws = count(from, "draws");
    batch.ahead = count(from, "ahead");
    batch.state = bytes(from, "state");
    batch.record = bytes(from, "record");
    batch.last = numbers(from, "last");
  }
  for (const Term& from : elements(map, "suspects"))
    snapshot.suspects.push_back({count(from, "chain"), count(from, "draw"), numbers(from, "before")});
  snapshot.divergent = count(map, "divergent");
  snapshot.deep = count(map, "deep");
  snapshot.gradients = count(map, "gradients");
  return snapshot;
}

/// The draws [from, from + draws) of each chain.
template <typename T>
std::vector<T> rows(const std::vector<T>& values, const Collector& collector, std::uint64_t first,
                    std::uint64_t draws, std::uint64_t width) {
  std::vector<T> result;
  result.reserve(collector.chains() * draws * width);
  for (std::uint64_t c = 0; c < collector.chains(); ++c) {
    const auto from = values.begin() + static_cast<std::ptrdiff_t>(
                                           (c * collector.capacity() + first - collector.first()) * width);
    result.insert(result.end(), from, from + static_cast<std::ptrdiff_t>(draws * width));
  }
  return result;
}

/// The most draws that a batch has handed out: there may be none of the others yet.
std::uint64_t most_draws(const nuts::Snapshot& snapshot) {
  std::uint64_t most = 0;
  for (const auto& batch : snapshot.batches) most = std::max(most, batch.draws);
  return most;
}

template <typename T>
void put_rows(std::vector<T>& values, const Collector& collector, const Term& arrays, std::string_view name,
              std::uint64_t draws, std::uint64_t width) {
  Numbers from;
  try {
    from = read_numbers(field(arrays, name), name, std::uint64_t{1} << 40);
  } catch (const Error& error) {
    refuse(error.message());
  }
  if (from.values.size() != collector.chains() * draws * width)
    refuse(fmt::format("the checkpoint's draws of {} are not of its chains", name));
  for (std::uint64_t c = 0; c < collector.chains(); ++c)
    std::transform(from.values.begin() + static_cast<std::ptrdiff_t>(c * draws * width),
                   from.values.begin() + static_cast<std::ptrdiff_t>((c + 1) * draws * width),
                   values.begin() + static_cast<std::ptrdiff_t>(c * collector.capacity() * width),
                   [](double x) { return static_cast<T>(x); });
}

}  // namespace

Term checkpoint_term(const Checkpoint& checkpoint, const Collector* collector, std::uint64_t from) {
  std::uint64_t first = 0, draws = 0;
  term::Map arrays, stats;
  if (collector) {
    first = std::max(from, collector->first());
    draws = most_draws(checkpoint.snapshot) - std::min(most_draws(checkpoint.snapshot), first);
    const Shape shape = {collector->chains(), draws};
    for (const auto& column : collector->columns()) {
      Shape with = shape;
      with.push_back(column.output->size);
      Term array = std::visit(
          [&](const auto& values) {
            auto kept = rows(values, *collector, first, draws, column.output->size);
            if constexpr (std::is_same_v<decltype(kept), std::vector<float>>)
              return array_f32(std::move(kept), with);
            else
              return array_f64(std::move(kept), with);
          },
          column.values);
      arrays.pairs.emplace_back(term::atom(column.output->name), std::move(array));
    }
    const auto& kept = collector->stats();
    const auto put = [&](std::string_view name, Term array) {
      stats.pairs.emplace_back(term::atom(name), std::move(array));
    };
    put("lp", array_f64(rows(kept.lp, *collector, first, draws, 1), shape));
    put("accept", array_f64(rows(kept.accept, *collector, first, draws, 1), shape));
    put("energy", array_f64(rows(kept.energy, *collector, first, draws, 1), shape));
    put("depth", array_s32(rows(kept.depth, *collector, first, draws, 1), shape));
    put("leapfrogs", array_s32(rows(kept.leapfrogs, *collector, first, draws, 1), shape));
    put("divergent", array_u8(rows(kept.divergent, *collector, first, draws, 1), shape));
  }
  std::vector<Term> outputs;
  for (const std::string& name : checkpoint.outputs) outputs.push_back(term::atom(name));
  const Term body = term::map({{"engine", term::text(DREY_VERSION)},
                               {"model_key", term::text(checkpoint.model_key)},
                               {"data_key", term::text(checkpoint.data_key)},
                               {"tuning", tuning_term(checkpoint.tuning)},
                               {"options", options_term(checkpoint.options)},
                               {"keep", term::atom(keeps[static_cast<std::size_t>(checkpoint.keep)])},
                               {"snapshot", snapshot_term(checkpoint.snapshot)},
                               {"outputs", term::list(std::move(outputs))},
                               {"first", whole(first)},
                               {"draws", whole(draws)},
                               {"arrays", Term(std::move(arrays))},
                               {"stats", Term(std::move(stats))}});
  // Once in memory: a long run's is large.
  const term::Encoded encoded = term::encode(body);
  std::vector<std::uint8_t> result;
  result.reserve(kHead + encoded.size);
  result.resize(kHead);
  auto at = std::copy(kMagic.begin(), kMagic.end(), result.begin());
  for (int i = 0; i < 4; ++i) *at++ = static_cast<std::uint8_t>(kVersion >> (8 * i));
  for (const auto& piece : encoded.pieces) {
    const auto bytes = piece.bytes();
    result.insert(result.end(), bytes.begin(), bytes.end());
  }
  const Digest sum = digest(std::span(result).subspan(kHead));
  std::copy(sum.begin(), sum.end(), at);
  return term::Binary(std::move(result));
}

Checkpoint read_checkpoint(const Term& value) {
  const auto* binary = value.as<term::Binary>();
  if (!binary) refuse(fmt::format("a checkpoint is a binary; found {}", term::to_string(value)));
  const auto all = binary->bytes();
  if (all.size() < kHead || !std::equal(kMagic.begin(), kMagic.end(), all.begin()))
    refuse("these bytes are no checkpoint of Drey");
  std::uint32_t version = 0;
  for (std::size_t i = 0; i < 4; ++i) version |= std::uint32_t{all[kMagic.size() + i]} << (8 * i);
  if (version != kVersion)
    refuse(fmt::format("the checkpoint has format {}; this node reads format {}", version, kVersion));
  const auto encoded = all.subspan(kHead);
  const Digest sum = digest(encoded);
  if (!std::equal(sum.begin(), sum.end(), all.begin() + kMagic.size() + 4))
    refuse("the checkpoint is damaged: its checksum does not agree");
  Checkpoint checkpoint;
  try {
    term::Limits limits;
    limits.bytes = encoded.size();
    const Term body = term::decode(encoded, nullptr, binary->owner(), limits);
    if (const std::string engine = text(body, "engine"); engine != DREY_VERSION)
      refuse(fmt::format("the checkpoint was made by version {}; this is {}", engine, DREY_VERSION));
    checkpoint.model_key = text(body, "model_key");
    checkpoint.data_key = text(body, "data_key");
    checkpoint.tuning = read_tuning(field(body, "tuning"));
    checkpoint.options = read_run_options(field(body, "options"));
    checkpoint.keep = static_cast<Keep>(choice(body, "keep", keeps));
    checkpoint.snapshot = read_snapshot(field(body, "snapshot"));
    for (const Term& name : elements(body, "outputs")) {
      const auto* atom = name.as<term::Atom>();
      if (!atom) refuse("the checkpoint's outputs are no names");
      checkpoint.outputs.push_back(atom->name);
    }
    checkpoint.first = count(body, "first");
    checkpoint.draws = count(body, "draws");
    checkpoint.arrays = field(body, "arrays");
    checkpoint.stats = field(body, "stats");
  } catch (const Error& error) {
    if (error.reason() == "wrong_checkpoint") throw;
    refuse(error.message());
  }
  const std::uint64_t most = most_draws(checkpoint.snapshot);
  const bool whole = checkpoint.keep == Keep::None
                         ? checkpoint.draws == 0
                         : checkpoint.first + checkpoint.draws == most &&
                               (checkpoint.keep == Keep::New || checkpoint.first == 0);
  if (!whole) refuse("the checkpoint's draws are not those of its run");
  return checkpoint;
}

void restore_kept(const Checkpoint& checkpoint, Collector& collector) {
  const std::uint64_t draws = checkpoint.draws;
  for (auto& column : collector.columns())
    std::visit(
        [&](auto& values) {
          put_rows(values, collector, checkpoint.arrays, column.output->name, draws, column.output->size);
        },
        column.values);
  auto& stats = collector.stats();
  put_rows(stats.lp, collector, checkpoint.stats, "lp", draws, 1);
  put_rows(stats.accept, collector, checkpoint.stats, "accept", draws, 1);
  put_rows(stats.energy, collector, checkpoint.stats, "energy", draws, 1);
  put_rows(stats.depth, collector, checkpoint.stats, "depth", draws, 1);
  put_rows(stats.leapfrogs, collector, checkpoint.stats, "leapfrogs", draws, 1);
  put_rows(stats.divergent, collector, checkpoint.stats, "divergent", draws, 1);
}

}  // namespace drey::service
