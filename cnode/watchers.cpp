#include "cnode/watchers.h"

namespace drey::cnode {

std::string Watchers::name(const Session* by, View key) {
  std::string bytes(reinterpret_cast<const char*>(&by), sizeof by);
  return bytes.append(text(key));
}

std::size_t Watchers::find(const Session* by, View key) const {
  if (!places_.empty()) {
    const auto found = places_.find(name(by, key));
    return found != places_.end() ? found->second : all_.size();
  }
  std::size_t at = 0;
  while (at < all_.size() && !(all_[at].by == by && same(all_[at].key, key))) ++at;
  return at;
}

bool Watchers::add(const Session* by, View key, Watcher watcher) {
  if (find(by, key) < all_.size()) return false;
  all_.push_back({by, Id(key), std::move(watcher)});
  if (!places_.empty())
    places_.emplace(name(by, key), all_.size() - 1);
  else if (all_.size() > few)
    for (std::size_t i = 0; i < all_.size(); ++i) places_.emplace(name(all_[i].by, all_[i].key), i);
  return true;
}

void Watchers::drop(std::size_t at) {
  if (!places_.empty()) {
    places_.erase(name(all_[at].by, all_[at].key));
    if (at + 1 < all_.size()) places_[name(all_.back().by, all_.back().key)] = at;
  }
  if (at + 1 < all_.size()) std::swap(all_[at], all_.back());
  all_.pop_back();
}

bool Watchers::remove(const Session* by, View key) {
  const std::size_t at = find(by, key);
  if (at == all_.size()) return false;
  drop(at);
  return true;
}

std::size_t Watchers::remove_all(const Session* by) {
  const std::size_t before = all_.size();
  for (std::size_t i = all_.size(); i-- > 0;)
    if (all_[i].by == by) drop(i);
  return before - all_.size();
}

}  // namespace drey::cnode
