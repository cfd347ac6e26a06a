#include "cnode/processes.h"

#include "cnode/raw.h"

namespace drey::cnode {

void Processes::set_creation(std::uint32_t creation) {
  creation_ = creation;
  for (auto& [number, process] : table_) process->pid = Id(raw::make_pid(node_, number, creation_));
}

Process& Processes::spawn() {
  while (table_.contains(next_) || next_ == 0) next_ = (next_ + 1) & ((std::uint64_t{1} << 60) - 1);
  auto process = std::make_unique<Process>();
  process->number = next_++;
  process->pid = Id(raw::make_pid(node_, process->number, creation_));
  Process& made = *process;
  table_.emplace(made.number, std::move(process));
  return made;
}

Process& Processes::spawn_registered(std::string name) {
  Process& process = spawn();
  process.name = name;
  names_.emplace(std::move(name), process.number);
  return process;
}

Process* Processes::find(std::uint64_t number) {
  const auto found = table_.find(number);
  return found != table_.end() ? found->second.get() : nullptr;
}

Process* Processes::find_pid(View pid) {
  const auto number = raw::own_pid(pid, node_, creation_);
  return number ? find(*number) : nullptr;
}

Process* Processes::find_name(std::string_view name) {
  const auto found = names_.find(std::string(name));
  return found != names_.end() ? find(found->second) : nullptr;
}

Process* Processes::find_target(View target) {
  return raw::is_atom(target) ? find_name(raw::atom_name(target)) : find_pid(target);
}

std::unique_ptr<Process> Processes::take(std::uint64_t number) {
  auto node = table_.extract(number);
  if (node.empty()) return nullptr;
  if (!node.mapped()->name.empty()) names_.erase(node.mapped()->name);
  return std::move(node.mapped());
}

std::vector<std::uint64_t> Processes::numbers() const {
  std::vector<std::uint64_t> all;
  all.reserve(table_.size());
  for (const auto& [number, process] : table_) all.push_back(number);
  return all;
}

Bytes Processes::new_reference() { return raw::make_reference(node_, next_reference_++, creation_); }

}  // namespace drey::cnode
