#include "cnode/node.h"

#include <spdlog/spdlog.h>
#include <boost/asio/dispatch.hpp>

#include "cnode/buffers.h"
#include "cnode/flags.h"
#include "cnode/gen_server.h"
#include "cnode/raw.h"
#include "cnode/sys_info.h"

namespace drey::cnode {
namespace {

constexpr std::size_t max_lines = 1000;

}  // namespace

/// What a call says comes from any thread, and may come after its process has been killed or the node is gone.
class Node::ToCaller final : public Caller {
 public:
  ToCaller(asio::io_context& io, std::shared_ptr<Node*> node, std::uint64_t number)
      : io_(io), node_(std::move(node)), number_(number) {}

  void reply(Outcome outcome) override {
    asio::dispatch(io_, [node = node_, number = number_, outcome = std::move(outcome)]() mutable {
      if (*node != nullptr) (*node)->ended(number, std::move(outcome));
    });
  }
  void send(const term::Term& pid, term::Term message) override {
    asio::dispatch(io_, [node = node_, number = number_, pid, message = std::move(message)] {
      const Process* process = *node != nullptr ? (*node)->processes_.find(number) : nullptr;
      const auto* raw_pid = pid.as<term::Opaque>();
      if (process != nullptr && raw_pid != nullptr)
        (*node)->send(process->pid, raw_pid->bytes, term::encode(message), number);
    });
  }
  void log(std::string line) override {
    asio::dispatch(io_, [node = node_, number = number_, line = std::move(line)]() mutable {
      Process* process = *node != nullptr ? (*node)->processes_.find(number) : nullptr;
      if (process != nullptr) (*node)->write_line(*process, std::move(line));
    });
  }

 private:
  asio::io_context& io_;
  std::shared_ptr<Node*> node_;
  std::uint64_t number_;
};

Node::Node(asio::io_context& io, NodeOptions options, Exports exports)
    : io_(io),
      options_(std::move(options)),
      exports_(std::move(exports)),
      processes_(options_.name, options_.creation),
      alive_(std::make_shared<Node*>(this)) {
  processes_.spawn_registered("net_kernel");
  processes_.spawn_registered("rex");
  for (const auto& [name, module] : exports_.modules()) processes_.spawn_registered(name);
  export_sys_info(exports_, *this);
}

Node::~Node() {
  *alive_ = nullptr;
  for (const std::uint64_t number : processes_.numbers())
    if (const auto process = processes_.take(number); process->cancel) process->cancel();
  stopping_ = true;
  stopped_ = nullptr;
  while (!sessions_.empty()) {
    const auto session = sessions_.begin()->second;
    session->channel().close("this node ends");
    sessions_.erase(session->peer().name);
  }
}

void Node::set_creation(std::uint32_t creation) {
  options_.creation = creation;
  processes_.set_creation(creation);
}

handshake::Local Node::local() const {
  return {options_.name, options_.cookie, flags::Ours, options_.creation};
}

// Peers -------------------------------------------------------------------------------------------------

handshake::Admission Node::admit(const handshake::Peer& peer) const {
  if (stopping_) return handshake::Admission::NotAllowed;
  if (sessions_.contains(peer.name)) return handshake::Admission::Alive;
  // Both connect at once: the attempt of the one with the greater name lives.
  if (pending_.contains(peer.name))
    return name() > peer.name ? handshake::Admission::Nok : handshake::Admission::OkSimultaneous;
  return handshake::Admission::Ok;
}

void Node::connecting(const std::string& peer, std::function<void()> give_up) {
  pending_[peer] = std::move(give_up);
}

void Node::connected(const handshake::Peer& peer, std::shared_ptr<Stream> stream, View received_already) {
  if (const auto found = pending_.find(peer.name); found != pending_.end()) {
    const auto give_up = std::move(found->second);
    pending_.erase(found);
    if (give_up) give_up();
  }
  if (const auto found = sessions_.find(peer.name); found != sessions_.end()) {
    const auto old = found->second;
    old->channel().close("it connected anew");
  }
  ++counters_.handshakes;
  spdlog::info("{} connected from {} (flags {:#x})", peer.name, stream->address().to_string(), peer.flags);
  auto channel = std::make_shared<Channel>(io_, std::move(stream), (peer.flags & flags::Fragments) != 0,
                                           options_.channel);
  auto session = std::make_shared<Session>(*this, peer, std::move(channel), options_.session);
  sessions_[peer.name] = session;
  keep_buffers(true);
  session->start(received_already);
}

void Node::disconnected(Session& session) {
  counters_.bytes_in += session.channel().bytes_in();
  counters_.bytes_out += session.channel().bytes_out();
  const auto found = sessions_.find(session.peer().name);
  std::shared_ptr<Session> keep;
  if (found != sessions_.end() && found->second.get() == &session) {
    keep = std::move(found->second);
    sessions_.erase(found);
    if (sessions_.empty()) keep_buffers(false);
  }
  const term::Encoded reason = term::encode(term::atom("noconnection"));
  for (const std::uint64_t number : processes_.numbers()) {
    Process* process = processes_.find(number);
    if (process == nullptr) continue;
    process->monitors.remove_all(&session);
    const bool linked = process->links.remove_all(&session) > 0;
    if (process->name.empty() && (linked || process->session.lock().get() == &session)) {
      ++counters_.cancelled;
      kill_process(number, reason);
    }
  }
  if (stopping_ && sessions_.empty() && stopped_) asio::post(io_, std::exchange(stopped_, nullptr));
}

// Calls -------------------------------------------------------------------------------------------------

Process& Node::begin_call(const Origin& origin) {
  Process& process = processes_.spawn();
  process.session = origin.session;
  process.call = Id(origin.call);
  process.group_leader = Id(origin.group_leader);
  process.cancel_with_monitor = origin.cancel_with_monitor;
  origin.session->call_began(process);
  ++counters_.calls;
  return process;
}

void Node::run_call(Process& process, const Module& module, Call call,
                    std::function<void(Process&, Outcome)> answer) {
  const std::uint64_t number = process.number;
  process.answer = std::move(answer);
  call.caller = std::make_shared<ToCaller>(io_, alive_, number);
  try {
    Cancel cancel = module.handler(std::move(call));
    Process* begun = processes_.find(number);
    if (begun != nullptr && begun->answer) begun->cancel = std::move(cancel);
  } catch (const std::exception& error) {
    spdlog::error("a call failed to start: {}", error.what());
    ended(number, Outcome::error(term::tuple({term::atom("failed"), term::text(error.what())})));
  }
}

void Node::ended(std::uint64_t number, Outcome outcome) {
  Process* process = processes_.find(number);
  if (process == nullptr || !process->answer) return;
  process->cancel = nullptr;
  std::exchange(process->answer, nullptr)(*process, std::move(outcome));
}

void Node::exit_process(std::uint64_t number, const term::Encoded& reason) {
  const auto process = processes_.take(number);
  if (process == nullptr) return;
  while (!process->lines.empty()) next_line(*process);
  if (const auto session = process->session.lock()) session->call_ended(*process);
  process->monitors.each([&](const Watcher& watcher) {
    if (const auto session = watcher.session.lock()) {
      session->watch_ended();
      session->send_monitor_exit(watcher.target, watcher.pid, watcher.reference, reason, number);
    }
  });
  process->links.each([&](const Watcher& watcher) {
    if (const auto session = watcher.session.lock()) {
      session->watch_ended();
      session->send_exit(process->pid, watcher.pid, reason, number);
    }
  });
}

void Node::kill_process(std::uint64_t number, const term::Encoded& reason) {
  Process* process = processes_.find(number);
  if (process == nullptr) return;
  const Cancel cancel = std::exchange(process->cancel, nullptr);
  exit_process(number, reason);
  if (cancel) cancel();
}

// Messages ----------------------------------------------------------------------------------------------

void Node::deliver(Session& session, Process& to, const term::Term& message) {
  if (to.name.empty()) {
    if (message.tagged("io_reply", 3) != nullptr) next_line(to);
  } else if (to.name == "net_kernel") {
    net_kernel_message(*this, session, to, message);
  } else if (to.name == "rex") {
    rex_message(*this, session, to, message);
  } else {
    module_message(*this, session, to, message);
  }
}

void Node::send(View from, View pid, term::Encoded message, std::uint64_t sender) {
  const auto found = sessions_.find(std::string(raw::pid_node(pid)));
  if (found != sessions_.end()) found->second->send_to_pid(from, pid, std::move(message), sender);
}

void Node::write_line(Process& process, std::string line) {
  if (process.group_leader.empty() || process.lines.size() >= max_lines) return;
  process.lines.push_back(std::move(line));
  if (!process.line_under_way) next_line(process);
}

/// The next line for the group leader, which has taken the one before.
void Node::next_line(Process& process) {
  process.line_under_way = !process.lines.empty();
  if (process.lines.empty()) return;
  const term::Term request = term::tuple(
      {term::atom("io_request"), term::Opaque{copy(process.pid)}, term::Opaque{processes_.new_reference()},
       term::tuple({term::atom("put_chars"), term::atom("unicode"), term::text(process.lines.front())})});
  process.lines.pop_front();
  send(process.pid, process.group_leader, term::encode(request), process.number);
}

// Leaving -----------------------------------------------------------------------------------------------

void Node::stop(std::function<void()> done) {
  if (stopping_) return;
  stopping_ = true;
  const term::Encoded reason = term::encode(term::atom("shutdown"));
  for (const std::uint64_t number : processes_.numbers()) kill_process(number, reason);
  if (sessions_.empty()) return asio::post(io_, std::move(done));
  stopped_ = std::move(done);
  const auto sessions = sessions_;
  for (const auto& [peer, session] : sessions)
    session->channel().close_after_writing("this node leaves", std::chrono::seconds(2));
}

}  // namespace drey::cnode
