// The addon's interface to JavaScript: `createPool`, `listenFd`, and the names of the numbered figures and
// close reasons. The types are in edge/pool/native/addon.ts. Each method checks its arguments and calls the
// pool, and contains no other logic; those of corked streams are in cork_methods.cc. A pool that has ended
// behaves like an empty one.

#include <errno.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <stdlib.h>
#include <string.h>
#include <new>

#include "cork_methods.h"
#include "edge/native/napi_helpers.h"
#include "listen.h"
#include "pool_arguments.h"
#include "pool_options.h"

namespace encke {

namespace {

constexpr const char* FIGURES[] = {"opened",        "delivered", "chunks",        "bytes",       "discarded",
                                   "open",          "ending",    "users",         "queuedBytes", "tableSize",
                                   "tableCapacity", "corked",    "bufferedBytes", "overflows"};
constexpr uint32_t FIGURE_COUNT = sizeof FIGURES / sizeof *FIGURES;

/**
 * open(fd, format, framing, head, opening, users, expiresAtMs, tickMs, tickBefore, tickAfter, cursor, cork):
 * returns 0 or an errno; `cork` is -1 for a stream that does not begin corked
 */
napi_value open(napi_env env, napi_callback_info info) {
  const Arguments<12> arguments(env, info);
  Pool* pool = pool_of(arguments);
  UserName names[MAX_USERS];
  uint32_t count = 0;
  const Latin1 head(env, arguments[3]);
  const Utf8 opening(env, arguments[4]), before(env, arguments[8]), after(env, arguments[9]);
  const Utf8 cursor(env, arguments[10]);
  if (!head.ok() || !opening.ok() || !before.ok() || !after.ok() || !is_cursor(env, cursor) ||
      !read_users(env, arguments[5], names, &count))
    return nullptr;
  int32_t descriptor = -1;
  uint32_t format = 0, framing = 0, cork = 0;
  double expires_at_ms = NAN, tick_ms = NAN, cork_or_none = NAN;
  if (!arguments.number(6, &expires_at_ms) || !arguments.number(7, &tick_ms) ||
      !arguments.number(11, &cork_or_none))
    return nullptr;
  if (!arguments.integer<int32_t>(0, 0, INT32_MAX, &descriptor)) return to_number(env, EBADF);
  if (!arguments.integer<uint32_t>(1, 0, MAX_FORMATS - 1, &format)) return to_number(env, EINVAL);
  if (!arguments.integer<uint32_t>(2, 0, FRAMINGS - 1, &framing)) return to_number(env, EINVAL);
  if (!(tick_ms >= 0 && tick_ms < INFINITY)) return to_number(env, EINVAL);
  const bool is_corked = cork_or_none != -1;
  if (is_corked && !to_integer<uint32_t>(cork_or_none, 0, UINT32_MAX, &cork)) return to_number(env, EINVAL);
  const StreamSpec spec{descriptor, format,        static_cast<Framing>(framing),
                        view(head), view(opening), view(cursor),
                        is_corked,  cork,          expires_at_ms,
                        tick_ms,    view(before),  view(after)};
  View users[MAX_USERS];
  for (uint32_t i = 0; i < count; i++) users[i] = names[i].view();
  return to_number(env, pool == nullptr ? ESHUTDOWN : pool->open(spec, users, count));
}

/** setEvent(id, json, cursor): sets the event that `deliver` delivers */
napi_value set_event(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  Pool* pool = pool_of(arguments);
  const Utf8 id(env, arguments[0]), json(env, arguments[1]), cursor(env, arguments[2]);
  if (pool != nullptr && id.ok() && json.ok() && is_cursor(env, cursor))
    pool->set_event(view(id), view(json), view(cursor));
  return nullptr;
}

/**
 * deliver(handle): returns the number of streams that took the event, or -1 if the handle has no open stream
 */
napi_value deliver(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  Pool* pool = pool_of(arguments);
  uint32_t handle = 0;
  if (pool == nullptr || !arguments.integer<uint32_t>(0, 0, NONE - 1, &handle)) return to_number(env, -1);
  return to_number(env, static_cast<double>(pool->deliver(handle)));
}

/**
 * deliverFrame(bytes, stamp, others): returns the number of streams that took events, or -1 if the frame is
 * malformed
 */
napi_value deliver_frame(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  Pool* pool = pool_of(arguments);
  const Bytes frame(env, arguments[0]);
  const Utf8 others(env, arguments[2]);
  double stamp = NAN;
  if (!arguments.number(1, &stamp)) return nullptr;
  const bool is_stamp = stamp >= 0 && stamp < STAMP_END && stamp == trunc(stamp);
  if (pool == nullptr || !frame.ok || !is_cursor(env, others) || !is_stamp) return to_number(env, 0);
  const View bytes{reinterpret_cast<const char*>(frame.data), frame.length};
  return to_number(env, pool->deliver_frame(bytes, static_cast<uint64_t>(stamp), view(others)));
}

/** broadcast(format, text, cursor): has no effect if there is no such format */
napi_value broadcast(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  Pool* pool = pool_of(arguments);
  const Utf8 text(env, arguments[1]), cursor(env, arguments[2]);
  uint32_t format = 0;
  if (pool != nullptr && text.ok() && is_cursor(env, cursor) &&
      arguments.integer<uint32_t>(0, 0, MAX_FORMATS - 1, &format))
    pool->broadcast(format, view(text), view(cursor));
  return nullptr;
}

/** refresh(cursor) */
napi_value refresh(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  Pool* pool = pool_of(arguments);
  const Utf8 cursor(env, arguments[0]);
  if (pool != nullptr && is_cursor(env, cursor)) pool->refresh(view(cursor));
  return nullptr;
}

/** finishSome(count, reason): ends up to `count` streams; has no effect if there is no such reason */
napi_value finish_some(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  Pool* pool = pool_of(arguments);
  double count = 0;
  uint32_t reason = 0;
  if (pool != nullptr && arguments.number(0, &count) &&
      arguments.integer<uint32_t>(1, 0, CLOSE_REASONS - 1, &reason))
    pool->finish_some(to_count(count), static_cast<CloseReason>(reason));
  return nullptr;
}

/** startDraining(): ends every stream that is opened from now on */
napi_value start_draining(napi_env env, napi_callback_info info) {
  Pool* pool = pool_of(Arguments<1>(env, info));
  if (pool != nullptr) pool->start_draining();
  return nullptr;
}

/** close(): ends the pool */
napi_value close(napi_env env, napi_callback_info info) {
  Pool* pool = pool_of(Arguments<1>(env, info));
  if (pool != nullptr) pool->end();
  return nullptr;
}

/** figures(Float64Array): fills in FIGURES, then the number of ends per reason */
napi_value figures(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  Pool* pool = pool_of(arguments);
  double* out = doubles_of(env, arguments[0], FIGURE_COUNT + CLOSE_REASONS);
  if (pool == nullptr || out == nullptr) return nullptr;
  const Counts& counts = pool->counts();
  const double values[] = {static_cast<double>(counts.opened),
                           static_cast<double>(counts.delivered),
                           static_cast<double>(counts.chunks),
                           static_cast<double>(counts.bytes),
                           static_cast<double>(counts.discarded),
                           static_cast<double>(pool->open_streams()),
                           static_cast<double>(pool->ending_streams()),
                           static_cast<double>(pool->users_online()),
                           static_cast<double>(pool->queued_bytes()),
                           static_cast<double>(pool->users().size()),
                           static_cast<double>(pool->users().capacity()),
                           static_cast<double>(pool->corks().size()),
                           static_cast<double>(pool->corks().bytes()),
                           static_cast<double>(pool->corks().overflows())};
  static_assert(sizeof values / sizeof *values == FIGURE_COUNT, "a value for each name");
  memcpy(out, values, sizeof values);
  for (uint32_t i = 0; i < CLOSE_REASONS; i++) out[FIGURE_COUNT + i] = static_cast<double>(counts.closed[i]);
  return nullptr;
}

napi_value to_handle(napi_env env, uint32_t handle) {
  return to_number(env, handle == NONE ? -1 : static_cast<double>(handle));
}

/** acquire(user): returns the user's handle, or -1 without memory */
napi_value acquire(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  Pool* pool = pool_of(arguments);
  UserName name;
  if (pool == nullptr || !name.read(env, arguments[0])) return to_handle(env, NONE);
  return to_handle(env, pool->users().acquire(name.view()));
}

/** find(user): returns the user's handle, or -1 */
napi_value find(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  Pool* pool = pool_of(arguments);
  UserName name;
  if (pool == nullptr || !name.read(env, arguments[0])) return to_handle(env, NONE);
  return to_handle(env, pool->users().find(name.view()));
}

/** nameOf(handle): returns the user's name, or an empty string if the handle names no user */
napi_value name_of(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  Pool* pool = pool_of(arguments);
  uint32_t handle = 0;
  const bool is_handle = arguments.integer<uint32_t>(0, 0, NONE - 1, &handle);
  const View name = pool == nullptr || !is_handle ? View{} : pool->users().name_of(handle);
  return to_string(env, name.length == 0 ? "" : name.data, name.length);
}

/** release(handle): has no effect for a number that is not a handle */
napi_value release(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  Pool* pool = pool_of(arguments);
  uint32_t handle = 0;
  if (pool != nullptr && arguments.integer<uint32_t>(0, 0, NONE - 1, &handle)) pool->users().release(handle);
  return nullptr;
}

constexpr Method METHODS[] = {{"open", open},
                              {"setEvent", set_event},
                              {"deliver", deliver},
                              {"deliverFrame", deliver_frame},
                              {"broadcast", broadcast},
                              {"refresh", refresh},
                              {"takeBuffered", take_buffered},
                              {"writeCorked", write_corked},
                              {"waitingCorked", waiting_corked},
                              {"uncork", uncork},
                              {"endCorked", end_corked},
                              {"finishSome", finish_some},
                              {"startDraining", start_draining},
                              {"close", close},
                              {"figures", figures},
                              {"acquire", acquire},
                              {"find", find},
                              {"nameOf", name_of},
                              {"release", release}};

/** createPool(options, onEnd): returns a pool */
napi_value create_pool(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  Limits limits;
  CorkLimits cork_limits;
  if (!read_limits(env, arguments[0], &limits) || !read_cork_limits(env, arguments[0], &cork_limits))
    return nullptr;
  void* memory = reallocate(nullptr, sizeof(Box));
  if (memory == nullptr) return throw_error(env, "NO_MEMORY", "no memory for a pool"), nullptr;
  auto* box = new (memory) Box();
  napi_value object = nullptr;
  const auto let_go = [](napi_env, void* data, void*) {
    auto* gone = static_cast<Box*>(data);
    if (gone->pool != nullptr) gone->pool->end();
    free(gone);
  };
  napi_create_object(env, &object);
  if (napi_wrap(env, object, box, let_go, nullptr, nullptr) != napi_ok) {
    free(box);
    return throw_error(env, "NO_MEMORY", "no memory for a pool"), nullptr;
  }
  Pool* pool = Pool::create(env, arguments[1], limits, cork_limits);
  if (pool == nullptr) return nullptr;
  pool->watch(&box->pool);
  box->pool = pool;
  if (!read_formats(env, arguments[0], pool)) return pool->end(), nullptr;
  define_methods(env, object, METHODS);
  return object;
}

/** listenFd(host, port, backlog): returns a descriptor, or a negative errno */
napi_value listen_fd(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  const Utf8 host(env, arguments[0]);
  if (!host.ok()) return nullptr;
  uint16_t port = 0;
  int32_t backlog = 0;
  const bool fits = arguments.integer<uint16_t>(1, 0, UINT16_MAX, &port) &&
                    arguments.integer<int32_t>(2, 0, INT32_MAX, &backlog);
  return to_number(env, fits ? listen_shared(host.data(), port, backlog) : -EINVAL);
}

/** setUserTimeout(fd, ms): returns 0 or an errno */
napi_value set_user_timeout(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  int32_t descriptor = -1, ms = 0;
  if (!arguments.integer<int32_t>(0, 0, INT32_MAX, &descriptor)) return to_number(env, EBADF);
  if (!arguments.integer<int32_t>(1, 0, INT32_MAX, &ms)) return to_number(env, EINVAL);
  return to_number(env, encke::set_user_timeout(descriptor, static_cast<uint32_t>(ms)));
}

/** userTimeout(fd): returns milliseconds, or a negative errno */
napi_value user_timeout(napi_env env, napi_callback_info info) {
  int32_t descriptor = -1;
  if (!Arguments<1>(env, info).integer<int32_t>(0, 0, INT32_MAX, &descriptor)) return to_number(env, -EBADF);
  return to_number(env, static_cast<double>(get_user_timeout(descriptor)));
}

/** giveBackMemory(): returns freed memory that the C library keeps to the system; 1 ms for some ten MB */
napi_value give_back_memory(napi_env, napi_callback_info) {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
  return nullptr;
}

/**
 * failAllocations(after): for tests; the next `after` allocations succeed and later ones fail; without a
 * count, none fail
 */
napi_value fail_allocations(napi_env env, napi_callback_info info) {
  if (!Arguments<1>(env, info).integer<int32_t>(0, 0, INT32_MAX, &allocations_left)) allocations_left = -1;
  return nullptr;
}

constexpr Method FUNCTIONS[] = {{"createPool", create_pool},          {"listenFd", listen_fd},
                                {"setUserTimeout", set_user_timeout}, {"userTimeout", user_timeout},
                                {"giveBackMemory", give_back_memory}, {"failAllocations", fail_allocations}};

void export_names(napi_env env, napi_value exports, const char* property, const char* const* names,
                  uint32_t count) {
  napi_value list = nullptr;
  napi_create_array_with_length(env, count, &list);
  for (uint32_t i = 0; i < count; i++)
    napi_set_element(env, list, i, to_string(env, names[i], strlen(names[i])));
  napi_set_named_property(env, exports, property, list);
}

}  // namespace

}  // namespace encke

NAPI_MODULE_INIT() {
  encke::define_methods(env, exports, encke::FUNCTIONS);
  encke::export_names(env, exports, "figures", encke::FIGURES, encke::FIGURE_COUNT);
  encke::export_names(env, exports, "closeReasons", encke::CLOSE_REASON_NAMES, encke::CLOSE_REASONS);
  return exports;
}
