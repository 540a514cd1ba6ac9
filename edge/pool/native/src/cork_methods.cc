// The addon's methods for corked streams: like all others, they check their arguments and call the pool.

#include "cork_methods.h"

#include <initializer_list>

#include "pool_arguments.h"

namespace encke {

namespace {

/** Reads the number of a cork. Returns false for values that identify none. */
template <size_t N>
bool read_cork(const Arguments<N>& arguments, uint32_t* number) {
  return arguments.template integer<uint32_t>(0, 0, UINT32_MAX, number);
}

napi_value texts_of(napi_env env, const List<KeptEvent*>& events) {
  napi_value list = nullptr;
  if (napi_create_array(env, &list) != napi_ok) return nullptr;
  for (uint32_t i = 0; i < events.size(); i++) {
    uint32_t at = i * 3;
    for (const View& text : {events[i]->id(), events[i]->json(), events[i]->cursor()})
      napi_set_element(env, list, at++, to_string(env, text.data, text.length));
  }
  return list;
}

}  // namespace

napi_value take_buffered(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  Pool* pool = pool_of(arguments);
  uint32_t number = 0;
  if (!read_cork(arguments, &number) || pool == nullptr) return nullptr;
  Cork* cork = pool->cork_of(number);
  if (cork == nullptr) return nullptr;
  napi_value events = nullptr;
  if (cork->overflowed) {
    napi_get_null(env, &events);
  } else {
    events = texts_of(env, cork->events);
  }
  pool->clear_buffered(*cork);
  return events;
}

napi_value write_corked(napi_env env, napi_callback_info info) {
  const Arguments<4> arguments(env, info);
  Pool* pool = pool_of(arguments);
  const Utf8 text(env, arguments[1]), cursor(env, arguments[2]);
  uint32_t number = 0, events = 0;
  const bool is_valid =
      read_cork(arguments, &number) && arguments.integer<uint32_t>(3, 0, UINT32_MAX, &events);
  if (pool == nullptr || !text.ok() || !is_cursor(env, cursor) || !is_valid) return to_number(env, -1);
  return to_number(env, pool->write_corked(number, view(text), view(cursor), events));
}

napi_value waiting_corked(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  Pool* pool = pool_of(arguments);
  uint32_t number = 0;
  if (!read_cork(arguments, &number) || pool == nullptr) return to_number(env, -1);
  return to_number(env, pool->waiting_corked(number));
}

napi_value uncork(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  Pool* pool = pool_of(arguments);
  uint32_t number = 0;
  if (read_cork(arguments, &number) && pool != nullptr) pool->uncork(number);
  return nullptr;
}

napi_value end_corked(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  Pool* pool = pool_of(arguments);
  uint32_t number = 0, reason = 0;
  if (read_cork(arguments, &number) && arguments.integer<uint32_t>(1, 0, CLOSE_REASONS - 1, &reason) &&
      pool != nullptr)
    pool->end_corked(number, static_cast<CloseReason>(reason));
  return nullptr;
}

}  // namespace encke
