/// Door 1: the engine inside the VM. Its Erlang face is the module drey_nif: submit/3 starts a call, the
/// answer comes as the message {drey_reply, Ref, Answer} to the process that asked, whose death cancels the
/// call.
///
/// Schedulers never wait for a device here: calls run on the engine's threads. Nothing thrown passes into the
/// VM.

#include <atomic>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include <erl_nif.h>

#include <fmt/format.h>

#include "error.h"
#include "nif/terms.h"
#include "service/engine.h"

namespace drey::nif {
namespace {

using term::Term;

/// What the Erlang module must be, by its load info `#{version => 1, node => Name}`.
constexpr std::int64_t module_version = 1;

/// Of the loaded library: opened at load and at upgrade. Objects of an older instance are taken over.
ErlNifResourceType* binaries = nullptr;
ErlNifResourceType* watches = nullptr;

struct State {
  std::unique_ptr<service::Engine> engine;
  std::string refusal;  ///< why no call is taken; empty: all is well
};

/// Watches the process that made a call, until the call has answered. Shared by the VM and the call.
struct Watch {
  State* state = nullptr;
  std::atomic<service::Ticket> ticket = 0;
  std::atomic<bool> down = false;
  ErlNifMonitor monitor{};
};

void drop_watch(ErlNifEnv*, void* object) { static_cast<Watch*>(object)->~Watch(); }

void caller_down(ErlNifEnv*, void* object, ErlNifPid*, ErlNifMonitor*) {
  auto* watch = static_cast<Watch*>(object);
  watch->down = true;
  if (const service::Ticket ticket = watch->ticket) watch->state->engine->cancel(ticket);
}

/// Keeps a watch alive while a call runs; copies are cheap and thread-safe.
std::shared_ptr<Watch> make_watch(State* state) {
  void* object = enif_alloc_resource(watches, sizeof(Watch));
  if (!object) throw std::bad_alloc();
  auto* watch = new (object) Watch;
  watch->state = state;
  return {watch, [](Watch* w) { enif_release_resource(w); }};
}

/// The environment of the NIF call that runs on this thread; null on the engine's own threads. enif_send
/// asks.
thread_local ErlNifEnv* calling = nullptr;

struct Calling {
  explicit Calling(ErlNifEnv* now) { calling = now; }
  ~Calling() { calling = nullptr; }
};

void send(const ErlNifPid& to, ErlNifEnv* env, ERL_NIF_TERM message) {
  enif_send(calling, &to, env, message);
}

ERL_NIF_TERM error(ErlNifEnv* env, const std::string& reason, const std::string& message) {
  return to_vm(env,
               term::tuple({term::atom("error"),
                            term::map({{"reason", term::atom(reason)}, {"message", term::text(message)}})}),
               binaries);
}

/// Sends {drey_reply, Ref, Answer}. An answer the VM cannot hold becomes an error: someone waits.
/// \param reference lives in an environment of the caller's
void reply(const ErlNifPid& to, ERL_NIF_TERM reference, const Term& answer) {
  const SharedEnv env = make_env();
  ERL_NIF_TERM made;
  try {
    made = to_vm(env.get(), answer, binaries);
  } catch (const std::exception& problem) {
    made =
        error(env.get(), "internal", fmt::format("the answer could not be made a term: {}", problem.what()));
  }
  send(to, env.get(),
       enif_make_tuple3(env.get(), enif_make_atom(env.get(), "drey_reply"),
                        enif_make_copy(env.get(), reference), made));
}

/// A message to a pid that came as a term; a pid the VM does not know is nobody.
void deliver(const Term& pid, const Term& message) {
  const SharedEnv env = make_env();
  ErlNifPid to;
  try {
    if (!enif_get_local_pid(env.get(), to_vm(env.get(), pid, binaries), &to)) return;
    send(to, env.get(), to_vm(env.get(), message, binaries));
  } catch (const std::exception&) {
    // Progress that cannot be said is left out; the answer will come.
  }
}

ERL_NIF_TERM submit(ErlNifEnv* env, int, const ERL_NIF_TERM argv[]) {
  auto* state = static_cast<State*>(enif_priv_data(env));
  if (!state->refusal.empty()) return error(env, "nif_version", state->refusal);
  ErlNifPid caller;
  if (!enif_is_ref(env, argv[0]) || !enif_is_atom(env, argv[1]) || !enif_is_list(env, argv[2]) ||
      !enif_self(env, &caller))
    return enif_make_badarg(env);

  // The arguments move to an environment of their own, so that large binaries are referred to, not copied.
  const SharedEnv own = make_env();
  const ERL_NIF_TERM reference = enif_make_copy(own.get(), argv[0]);
  const Term function = from_vm(own, enif_make_copy(own.get(), argv[1]));
  service::Call call;
  call.function = function.as<term::Atom>()->name;
  ERL_NIF_TERM head, tail = enif_make_copy(own.get(), argv[2]);
  while (enif_get_list_cell(own.get(), tail, &head, &tail)) {
    if (call.arguments.size() == 255) return enif_make_badarg(env);
    call.arguments.push_back(from_vm(own, head));
  }
  if (!enif_is_empty_list(own.get(), tail)) return enif_make_badarg(env);
  const auto watch = make_watch(state);
  call.reply = [caller, own, reference, watch](const Term& answer) {
    enif_demonitor_process(calling, watch.get(), &watch->monitor);
    reply(caller, reference, answer);
  };
  call.send = deliver;
  // The process that waits prints it: its group leader is the caller's.
  call.log = [caller, own, reference](const std::string& line) {
    const SharedEnv lines = make_env();
    try {
      send(caller, lines.get(),
           enif_make_tuple3(lines.get(), enif_make_atom(lines.get(), "drey_log"),
                            enif_make_copy(lines.get(), reference),
                            to_vm(lines.get(), term::text(line), binaries)));
    } catch (const std::exception&) {
      // A line that cannot be said is left out.
    }
  };
  if (enif_monitor_process(env, watch.get(), &caller, &watch->monitor) != 0)
    return error(env, "noproc", "the calling process is gone");
  const service::Ticket ticket = state->engine->submit(std::move(call));
  watch->ticket = ticket;
  // The process may have died between the two lines above.
  if (watch->down) state->engine->cancel(ticket);
  return enif_make_tuple2(env, enif_make_atom(env, "ok"), enif_make_uint64(env, ticket));
}

ERL_NIF_TERM cancel(ErlNifEnv* env, int, const ERL_NIF_TERM argv[]) {
  auto* state = static_cast<State*>(enif_priv_data(env));
  ErlNifUInt64 ticket = 0;
  if (!enif_get_uint64(env, argv[0], &ticket)) return enif_make_badarg(env);
  if (state->engine) state->engine->cancel(ticket);
  return enif_make_atom(env, "ok");
}

ERL_NIF_TERM exports(ErlNifEnv* env, int, const ERL_NIF_TERM argv[]) {
  char name[256];
  unsigned arity = 0;
  if (enif_get_atom(env, argv[0], name, sizeof name, ERL_NIF_LATIN1) == 0 ||
      !enif_get_uint(env, argv[1], &arity))
    return enif_make_badarg(env);
  return enif_make_atom(env, service::Engine::exports(name, arity) ? "true" : "false");
}

/// Runs a NIF with its environment known to send(); what it throws becomes {error, #{...}}.
template <ERL_NIF_TERM (*Function)(ErlNifEnv*, int, const ERL_NIF_TERM[])>
ERL_NIF_TERM guarded(ErlNifEnv* env, int argc, const ERL_NIF_TERM argv[]) {
  const Calling scope(env);
  try {
    try {
      return Function(env, argc, argv);
    } catch (const Error& problem) {
      return error(env, problem.reason(), problem.message());
    } catch (const std::bad_alloc&) {
      return error(env, "out_of_memory", "the host has not the memory for this call");
    } catch (const std::exception& problem) {
      return error(env, "internal", problem.what());
    }
  } catch (...) {
    return enif_make_badarg(env);
  }
}

/// \return null when the load info is not what this library was written for or there is no memory
State* make_state(ERL_NIF_TERM load_info) {
  auto state = std::make_unique<State>();
  const SharedEnv own = make_env();
  const Term info = from_vm(own, enif_make_copy(own.get(), load_info));
  const Term* version = info.find("version");
  const auto* number = version ? version->as<std::int64_t>() : nullptr;
  if (!number || *number != module_version) {
    state->refusal = fmt::format(
        "the module drey_nif is of version {}, drey_nif.so of version {}: build both from one "
        "source (./dev build) and restart the VM",
        version ? term::to_string(*version) : "none", module_version);
    return state.release();
  }
  service::EngineOptions options;
  options.door = "nif";
  options.max_stream_bytes = 0;  // the VM's own, until whoever got them drops them
  const Term* node = info.find("node");
  const auto* name = node ? node->as<term::Binary>() : nullptr;
  options.node_name = name ? std::string(name->text()) : "nonode@nohost";
  state->engine = std::make_unique<service::Engine>(std::move(options));
  return state.release();
}

int open(ErlNifEnv* env, void** priv, ERL_NIF_TERM load_info) {
  binaries = open_binaries(env);
  ErlNifResourceTypeInit init{drop_watch, nullptr, caller_down, 3, nullptr};
  watches = enif_init_resource_type(env, "drey_watch", &init,
                                    static_cast<ErlNifResourceFlags>(ERL_NIF_RT_CREATE | ERL_NIF_RT_TAKEOVER),
                                    nullptr);
  if (!binaries || !watches) return 1;
  try {
    *priv = make_state(load_info);
    return 0;
  } catch (...) {
    return 2;
  }
}

int load(ErlNifEnv* env, void** priv, ERL_NIF_TERM load_info) { return open(env, priv, load_info); }

/// New code has an engine of its own; the old one's calls end when the old code is purged.
int upgrade(ErlNifEnv* env, void** priv, void**, ERL_NIF_TERM load_info) {
  return open(env, priv, load_info);
}

void unload(ErlNifEnv* env, void* priv) {
  const Calling scope(env);  // what still runs is answered from this thread
  delete static_cast<State*>(priv);
}

ErlNifFunc functions[] = {
    // Dirty: a model's data may be millions of numbers to look at.
    {"submit", 3, guarded<submit>, ERL_NIF_DIRTY_JOB_CPU_BOUND},
    {"cancel", 1, guarded<cancel>, 0},
    {"exports", 2, guarded<exports>, 0},
};

}  // namespace
}  // namespace drey::nif

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
ERL_NIF_INIT(drey_nif, drey::nif::functions, drey::nif::load, nullptr, drey::nif::upgrade, drey::nif::unload)
#pragma GCC diagnostic pop
