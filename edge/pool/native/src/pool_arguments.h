// Reads the arguments of the addon's methods: the pool, users and cursors. Strings are valid during the call.

#ifndef ENCKE_POOL_POOL_ARGUMENTS_H_
#define ENCKE_POOL_POOL_ARGUMENTS_H_

#include "edge/native/napi_helpers.h"
#include "pool.h"

namespace encke {

/** Maximum number of users per stream. */
constexpr uint32_t MAX_USERS = 16;

/**
 * What a JavaScript pool object refers to: the pool, until it ends, which may be before the object is
 * collected.
 */
struct Box {
  Pool* pool = nullptr;
};

template <size_t N>
Pool* pool_of(const Arguments<N>& arguments) {
  Box* box = nullptr;
  if (napi_unwrap(arguments.env(), arguments.self(), reinterpret_cast<void**>(&box)) == napi_ok)
    return box->pool;
  throw_type_error(arguments.env(), "this is not a pool");
  return nullptr;
}

inline View view(const StringBytes& text) { return View{text.data(), text.length()}; }

/**
 * A user id on the stack: at most 64 ASCII bytes. One more byte is read, so that the table refuses an id that
 * is too long.
 */
struct UserName {
  char data[UserTable::MAX_NAME_BYTES + 2];
  size_t length = 0;

  bool read(napi_env env, napi_value value) {
    if (napi_get_value_string_utf8(env, value, data, sizeof data, &length) == napi_ok) return true;
    throw_type_error(env, "a user id is expected");
    return false;
  }
  View view() const { return View{data, length}; }
};

/** Returns whether a text of at most the length of a cursor was read; otherwise an exception is pending. */
inline bool is_cursor(napi_env env, const Utf8& text) {
  if (!text.ok()) return false;
  if (text.length() <= MAX_CURSOR_BYTES) return true;
  throw_type_error(env, "a cursor has at most 255 bytes");
  return false;
}

/** Reads a user id or a list of them. */
inline bool read_users(napi_env env, napi_value value, UserName* names, uint32_t* count) {
  bool is_list = false;
  napi_is_array(env, value, &is_list);
  if (!is_list) {
    *count = 1;
    return names[0].read(env, value);
  }
  if (napi_get_array_length(env, value, count) != napi_ok || *count < 1 || *count > MAX_USERS)
    return throw_type_error(env, "1 to 16 users are expected"), false;
  for (uint32_t i = 0; i < *count; i++) {
    napi_value name = nullptr;
    if (napi_get_element(env, value, i, &name) != napi_ok || !names[i].read(env, name)) return false;
  }
  return true;
}

}  // namespace encke

#endif  // ENCKE_POOL_POOL_ARGUMENTS_H_
