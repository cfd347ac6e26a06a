#include "service/models.h"

#include <algorithm>
#include <functional>
#include <string_view>

namespace drey::service {

namespace {

std::size_t hash_of(const term::Encoded& encoded) {
  std::size_t hash = encoded.size;
  for (const auto& piece : encoded.pieces) {
    const auto bytes = piece.bytes();
    const std::size_t part =
        std::hash<std::string_view>{}({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    hash ^= part + 0x9e3779b97f4a7c15u + (hash << 6) + (hash >> 2);
  }
  return hash;
}

/// Equal terms are cut into pieces at the same places.
bool same(const term::Encoded& a, const term::Encoded& b) {
  return a.size == b.size && std::ranges::equal(a.pieces, b.pieces, [](const auto& x, const auto& y) {
           return std::ranges::equal(x.bytes(), y.bytes());
         });
}

}  // namespace

std::shared_ptr<const model::Model> Models::get(const term::Term& term) {
  term::Encoded key = term::encode(term);
  const std::size_t hash = hash_of(key);
  {
    const std::lock_guard lock(mutex_);
    const auto found =
        std::ranges::find_if(entries_, [&](const Entry& e) { return e.hash == hash && same(e.key, key); });
    if (found != entries_.end()) {
      entries_.splice(entries_.begin(), entries_, found);
      return found->model;
    }
  }
  auto model = std::make_shared<const model::Model>(model::compile(term));
  const std::lock_guard lock(mutex_);
  // Two threads may compile one model at once: the first one's is kept, so that samplers are shared.
  const auto found =
      std::ranges::find_if(entries_, [&](const Entry& e) { return e.hash == hash && same(e.key, key); });
  if (found != entries_.end()) return found->model;
  if (key.size > most_bytes_) return model;
  bytes_ += key.size;
  entries_.push_front({hash, std::move(key), model});
  while (entries_.size() > most_models_ || bytes_ > most_bytes_) {
    bytes_ -= entries_.back().key.size;
    entries_.pop_back();
  }
  return model;
}

nuts::Sampler& Samplers::get(const std::shared_ptr<const model::Model>& model) {
  const auto found = std::ranges::find_if(entries_, [&](const Entry& e) { return e.model == model; });
  if (found != entries_.end()) {
    entries_.splice(entries_.begin(), entries_, found);
    return found->sampler;
  }
  // Room first: two large models need not be on the device at once.
  while (entries_.size() >= most_) entries_.pop_back();
  entries_.push_front({model, nuts::Sampler(device_, model)});
  return entries_.front().sampler;
}

void Samplers::forget(const std::shared_ptr<const model::Model>& model) {
  entries_.remove_if([&](const Entry& e) { return e.model == model; });
}

}  // namespace drey::service
