// The JavaScript interface of the readers: one function that creates an object, whose methods open streams
// and return counts. The native part of the object lives until `close` or the end of the environment; later
// calls throw.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "edge/native/epoll_set.h"
#include "edge/native/loop_handles.h"
#include "edge/native/napi_helpers.h"
#include "load/native/src/readers.h"

namespace encke {
namespace {

/**
 * The readers, with the handles that keep them on the loop. `slot` is the JavaScript object's pointer to it,
 * which is cleared at the end.
 */
struct Session {
  napi_env env = nullptr;
  LoopHandles handles;
  EpollSet epoll;
  Callback on_ended;
  std::unique_ptr<Readers> readers;
  Session** slot = nullptr;

  void close() {
    if (slot != nullptr) *slot = nullptr;
    slot = nullptr;
    readers->close_all();
    epoll.close();
    handles.finish();  // frees this, after its handles have closed
  }
};

/** Notifies JavaScript that streams have ended; it takes them when it is ready. */
void tell(void* owner) {
  auto* session = static_cast<Session*>(owner);
  if (session->readers->ended.empty()) return;
  napi_handle_scope scope = nullptr;
  napi_open_handle_scope(session->env, &scope);
  session->on_ended.call(0, nullptr);  // the session may be freed during this call
  napi_close_handle_scope(session->env, scope);
}

/** Returns the elements of a typed array of one type; throws for any other value. */
template <typename Element>
bool elements_of(napi_env env, napi_value value, napi_typedarray_type wanted, std::vector<Element>& into) {
  napi_typedarray_type type;
  void* start = nullptr;
  size_t length = 0;
  bool is_typed_array = false;
  napi_is_typedarray(env, value, &is_typed_array);
  if (!is_typed_array ||
      napi_get_typedarray_info(env, value, &type, &length, &start, nullptr, nullptr) != napi_ok ||
      type != wanted) {
    throw_type_error(env, "a typed array of another type is expected");
    return false;
  }
  const auto* first = static_cast<const Element*>(start);
  into.assign(first, first + length);
  return true;
}

bool string_of(napi_env env, napi_value value, std::string& into) {
  const Utf8 text(env, value);
  if (text.ok()) into.assign(text.data(), text.length());
  return text.ok();
}

bool strings_of(napi_env env, napi_value array, std::vector<std::string>& into) {
  uint32_t length = 0;
  if (napi_get_array_length(env, array, &length) != napi_ok) {
    throw_type_error(env, "an array of strings is expected");
    return false;
  }
  into.resize(length);
  for (uint32_t i = 0; i < length; i += 1) {
    napi_value element = nullptr;
    if (napi_get_element(env, array, i, &element) != napi_ok || !string_of(env, element, into[i]))
      return false;
  }
  return true;
}

bool address_of(napi_env env, const std::string& text, uint16_t port, Address& into) {
  into = parse_address(text, port);
  if (into.size > 0) return true;
  throw_type_error(env, "a numeric address is expected");
  return false;
}

/** Parses a port in decimal digits. */
bool port_of(napi_env env, const std::string& text, uint16_t& into) {
  uint32_t port = 0;
  bool is_port = !text.empty() && text.size() <= 5;
  for (const char digit : text) {
    is_port = is_port && digit >= '0' && digit <= '9';
    port = port * 10 + static_cast<uint8_t>(digit - '0');
  }
  if (!is_port || port > UINT16_MAX) {
    throw_type_error(env, "a port is expected, from 0 to 65535");
    return false;
  }
  into = static_cast<uint16_t>(port);
  return true;
}

/**
 * Parses strings in groups of three: a server's address, its port, and the part of a request after the path.
 */
bool servers_of(napi_env env, napi_value array, std::vector<Server>& into) {
  std::vector<std::string> strings;
  if (!strings_of(env, array, strings)) return false;
  for (size_t i = 0; i + 2 < strings.size(); i += 3) {
    Server server;
    uint16_t port = 0;
    if (!port_of(env, strings[i + 1], port) || !address_of(env, strings[i], port, server.address))
      return false;
    server.rest = std::move(strings[i + 2]);
    into.push_back(std::move(server));
  }
  return true;
}

bool sources_of(napi_env env, napi_value array, std::vector<Address>& into) {
  std::vector<std::string> strings;
  if (!strings_of(env, array, strings)) return false;
  into.resize(strings.size());
  for (size_t i = 0; i < strings.size(); i += 1)
    if (!address_of(env, strings[i], 0, into[i])) return false;
  return true;
}

/** Checks that all paths and servers of streams are within their tables. */
bool are_within(napi_env env, const Targets& targets) {
  bool within = targets.ends.size() == targets.server_of.size();
  uint32_t last = 0;
  for (size_t i = 0; within && i < targets.ends.size(); i += 1) {
    within = targets.ends[i] >= last && targets.ends[i] <= targets.paths.size() &&
             targets.server_of[i] < targets.servers.size();
    last = targets.ends[i];
  }
  if (!within) throw_type_error(env, "paths and servers do not belong together");
  return within;
}

/** Returns the session of a call; throws if it was closed. */
Session* session_of(napi_env env, void* data) {
  Session* session = *static_cast<Session**>(data);
  if (session == nullptr) throw_error(env, "CLOSED", "these readers are closed");
  return session;
}

/** open(stream): returns whether any streams ended at once; they wait in takeEnded */
napi_value open(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  Session* session = session_of(env, arguments.data());
  if (session == nullptr) return nullptr;
  uint32_t stream = 0;
  if (!arguments.integer<uint32_t>(0, 0, UINT32_MAX, &stream) || stream >= session->readers->streams().size())
    return throw_type_error(env, "there is no such stream"), nullptr;
  session->readers->open(stream);
  napi_value failed = nullptr;
  napi_get_boolean(env, !session->readers->ended.empty(), &failed);
  return failed;
}

/** counts(into: Float64Array): opening, active, reopened, chunks, bytes, messages, resyncs */
napi_value counts(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  const Session* session = session_of(env, arguments.data());
  if (session == nullptr) return nullptr;
  const Readers& readers = *session->readers;
  const uint64_t numbers[] = {readers.opening,        readers.active, readers.reopened,
                              readers.chunks,         readers.bytes,  readers.scanner.messages,
                              readers.scanner.resyncs};
  double* into = doubles_of(env, arguments[0], sizeof numbers / sizeof numbers[0]);
  if (into == nullptr) return nullptr;
  for (const uint64_t number : numbers) *into++ = static_cast<double>(number);
  return nullptr;
}

/**
 * Creates a typed array and returns where to write its elements; null if there is no memory (an exception is
 * pending).
 */
template <typename Element>
Element* new_array(napi_env env, napi_typedarray_type type, size_t length, napi_value* array) {
  void* start = nullptr;
  napi_value buffer = nullptr;
  if (napi_create_arraybuffer(env, length * sizeof(Element), &start, &buffer) != napi_ok) return nullptr;
  if (napi_create_typedarray(env, type, length, buffer, 0, array) != napi_ok) return nullptr;
  return static_cast<Element*>(start);
}

/** takeLatencies(): Float64Array of pairs: microseconds, frequency */
napi_value take_latencies(napi_env env, napi_callback_info info) {
  const Arguments<0> arguments(env, info);
  Session* session = session_of(env, arguments.data());
  if (session == nullptr) return nullptr;
  const std::vector<double> pairs = session->readers->scanner.latencies.take();
  napi_value array = nullptr;
  double* into = new_array<double>(env, napi_float64_array, pairs.size(), &array);
  if (into != nullptr && !pairs.empty()) memcpy(into, pairs.data(), pairs.size() * sizeof(double));
  return array;
}

/**
 * takeEnded(): Int32Array of groups of five: stream, reason, detail, seconds to wait, whether it had been
 * open
 */
napi_value take_ended(napi_env env, napi_callback_info info) {
  const Arguments<0> arguments(env, info);
  Session* session = session_of(env, arguments.data());
  if (session == nullptr) return nullptr;
  std::vector<Ended> ended;
  ended.swap(session->readers->ended);
  napi_value array = nullptr;
  int32_t* into = new_array<int32_t>(env, napi_int32_array, ended.size() * 5, &array);
  if (into == nullptr) return nullptr;
  for (const Ended& one : ended) {
    for (const int32_t number :
         {one.stream, static_cast<int32_t>(one.end), one.detail, one.retry_after_seconds, one.was_open})
      *into++ = number;
  }
  return array;
}

/** digests(): Uint32Array of groups of three: count, lane A, lane B */
napi_value digests(napi_env env, napi_callback_info info) {
  const Arguments<0> arguments(env, info);
  Session* session = session_of(env, arguments.data());
  if (session == nullptr) return nullptr;
  const std::vector<Stream>& streams = session->readers->streams();
  napi_value array = nullptr;
  uint32_t* into = new_array<uint32_t>(env, napi_uint32_array, streams.size() * 3, &array);
  if (into == nullptr) return nullptr;
  for (const Stream& stream : streams) {
    for (const uint32_t number : {stream.count, stream.sum_a, stream.sum_b}) *into++ = number;
  }
  return array;
}

/** close(): idempotent */
napi_value close(napi_env env, napi_callback_info info) {
  const Arguments<0> arguments(env, info);
  Session* session = *static_cast<Session**>(arguments.data());
  if (session != nullptr) session->close();
  return nullptr;
}

/** createReaders(paths, ends, serverOf, servers, sources, firstSource, sourceStep, run, onEnded) */
napi_value create_readers(napi_env env, napi_callback_info info) {
  const Arguments<9> arguments(env, info);
  Targets targets;
  std::string run;
  const Bytes paths(env, arguments[0]);
  if (!paths.ok) return nullptr;
  targets.paths.assign(reinterpret_cast<const char*>(paths.data), paths.length);
  if (!elements_of(env, arguments[1], napi_uint32_array, targets.ends) ||
      !elements_of(env, arguments[2], napi_uint16_array, targets.server_of) ||
      !servers_of(env, arguments[3], targets.servers) || !sources_of(env, arguments[4], targets.sources) ||
      !are_within(env, targets) || !string_of(env, arguments[7], run)) {
    return nullptr;
  }
  if (!arguments.integer<uint32_t>(5, 0, UINT32_MAX, &targets.first_source) ||
      !arguments.integer<uint32_t>(6, 0, UINT32_MAX, &targets.source_step)) {
    throw_type_error(env, "firstSource and sourceStep must be integers from 0 to 4294967295");
    return nullptr;
  }
  if (run.size() > Scanner::MAX_RUN_CHARS) {
    throw_type_error(env, "a run's name has at most 64 characters");
    return nullptr;
  }

  auto* session = new Session;
  session->env = env;
  const auto free_session = [](void* owner) {
    auto* session = static_cast<Session*>(owner);
    session->on_ended.reset();  // not in `close`, which may be called from within the callback
    delete session;
  };
  const auto end_session = [](void* owner) { static_cast<Session*>(owner)->close(); };
  const auto on_event = [](void* owner, uint64_t stream, uint32_t) {
    static_cast<Session*>(owner)->readers->on_ready(static_cast<uint32_t>(stream));
  };
  session->readers = std::make_unique<Readers>(std::move(targets), run, session->epoll);
  if (!session->on_ended.set(env, arguments[8], "encke.load.onEnded") ||
      !session->handles.start(env, session, end_session, free_session)) {
    session->on_ended.reset();
    delete session;
    throw_type_error(env, "a function is expected");
    return nullptr;
  }
  if (session->epoll.open(&session->handles, session, on_event, tell) != 0) {
    session->close();
    throw_error(env, "NO_DESCRIPTOR", "cannot create an epoll set: raise the limit of open files");
    return nullptr;
  }

  session->slot = new Session*(session);
  napi_value object = nullptr;
  napi_create_object(env, &object);
  const Method methods[] = {
      {"open", open},       {"counts", counts}, {"takeLatencies", take_latencies}, {"takeEnded", take_ended},
      {"digests", digests}, {"close", close}};
  define_methods(env, object, methods, session->slot);
  // the pointer outlives the session, until no method can be called any more
  napi_add_finalizer(
      env, object, session->slot,
      [](napi_env, void* slot, void*) {
        Session* live = *static_cast<Session**>(slot);
        if (live != nullptr) live->slot = nullptr;
        delete static_cast<Session**>(slot);
      },
      nullptr, nullptr);
  return object;
}

napi_value initialise(napi_env env, napi_value exports) {
  const Method methods[] = {{"createReaders", create_readers}};
  define_methods(env, exports, methods);
  return exports;
}

}  // namespace
}  // namespace encke

NAPI_MODULE_INIT() { return encke::initialise(env, exports); }
