// Checked Node-API calls, shared by the project's addons. Node-API reports failure by a status and may leave
// a JavaScript exception pending. These helpers turn wrong arguments into exceptions that name the expected
// value, and all other failures into a distinct value. No state; strings and bytes are valid during the
// current call.

#ifndef ENCKE_EDGE_NATIVE_NAPI_HELPERS_H_
#define ENCKE_EDGE_NATIVE_NAPI_HELPERS_H_

#include <math.h>
#include <node_api.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

namespace encke {

/** Throws a TypeError with this text, unless an exception is pending. */
inline void throw_type_error(napi_env env, const char* text) {
  bool pending = false;
  if (napi_is_exception_pending(env, &pending) == napi_ok && !pending)
    napi_throw_type_error(env, nullptr, text);
}

/** Throws an Error with a stable code. */
inline void throw_error(napi_env env, const char* code, const char* text) {
  bool pending = false;
  if (napi_is_exception_pending(env, &pending) == napi_ok && !pending) napi_throw_error(env, code, text);
}

/**
 * Converts a JavaScript number that is an integer within bounds. Returns false for all others: NaN,
 * infinities, fractions, and numbers out of bounds. (Node-API's own conversions wrap modulo 2^32, which would
 * turn NaN into descriptor 0, and a plain cast is undefined.)
 */
template <typename Integer>
inline bool to_integer(double number, Integer least, Integer most, Integer* integer) {
  static_assert(sizeof(Integer) <= 4, "a double holds every bound exactly");
  if (!(number >= least && number <= most) || number != trunc(number)) return false;
  *integer = static_cast<Integer>(number);
  return true;
}

/**
 * Converts a JavaScript number to a count: 0 for NaN and negative numbers, the maximum for larger ones;
 * truncates fractions.
 */
inline uint32_t to_count(double number) {
  if (!(number > 0)) return 0;
  return number >= UINT32_MAX ? UINT32_MAX : static_cast<uint32_t>(number);
}

inline napi_value to_number(napi_env env, double number) {
  napi_value value = nullptr;
  napi_create_double(env, number, &value);
  return value;
}

inline napi_value to_string(napi_env env, const char* text, size_t length) {
  napi_value value = nullptr;
  napi_create_string_utf8(env, text, length, &value);
  return value;
}

/** Creates a Uint8Array with a copy of the bytes. */
inline napi_value to_bytes(napi_env env, const uint8_t* bytes, size_t length) {
  napi_value buffer = nullptr, array = nullptr;
  void* data = nullptr;
  if (napi_create_arraybuffer(env, length, &data, &buffer) != napi_ok) return nullptr;
  if (length > 0) memcpy(data, bytes, length);
  napi_create_typedarray(env, napi_uint8_array, length, buffer, 0, &array);
  return array;
}

/** The arguments of a call. Missing arguments are `undefined`. */
template <size_t N>
class Arguments {
 public:
  Arguments(napi_env env, napi_callback_info info) : env_(env) {
    size_t count = N;
    napi_get_cb_info(env, info, &count, values_, &self_, &data_);
  }

  napi_env env() const { return env_; }
  napi_value self() const { return self_; }
  /** The data that the method was defined with. */
  void* data() const { return data_; }
  napi_value operator[](size_t index) const { return values_[index]; }

  /** Reads any number. Returns false, with a TypeError pending, for other values. */
  bool number(size_t index, double* into) const {
    if (napi_get_value_double(env_, values_[index], into) == napi_ok) return true;
    throw_type_error(env_, "a number is expected");
    return false;
  }

  /**
   * Reads an integer within bounds. Returns false for other numbers, and for other values with a TypeError
   * pending.
   */
  template <typename Integer>
  bool integer(size_t index, Integer least, Integer most, Integer* into) const {
    double value = NAN;
    return number(index, &value) && to_integer(value, least, most, into);
  }

  /** Reads a boolean. Returns false, with a TypeError pending, for other values. */
  bool boolean(size_t index, bool* into) const {
    if (napi_get_value_bool(env_, values_[index], into) == napi_ok) return true;
    throw_type_error(env_, "a boolean is expected");
    return false;
  }

 private:
  napi_env env_;
  napi_value values_[N ? N : 1] = {};
  napi_value self_ = nullptr;
  void* data_ = nullptr;
};

/**
 * The bytes of a JavaScript string: on the stack up to 1 KiB, otherwise on the heap until the end of the
 * scope.
 */
class StringBytes {
 public:
  using Encode = napi_status (*)(napi_env, napi_value, char*, size_t, size_t*);

  /** If not ok, a TypeError (not a string) or an Error NO_MEMORY is pending. */
  StringBytes(napi_env env, napi_value value, Encode encode) {
    if (encode(env, value, stack_, sizeof stack_, &length_) != napi_ok) {
      throw_type_error(env, "a string is expected");
      return;
    }
    data_ = stack_;
    if (length_ + 4 < sizeof stack_) return;  // another character would have fitted, so nothing was left out
    data_ = nullptr;
    size_t whole = 0;
    encode(env, value, nullptr, 0, &whole);
    heap_ = static_cast<char*>(malloc(whole + 1));
    if (heap_ == nullptr) {
      throw_error(env, "NO_MEMORY", "no memory for a string");
      return;
    }
    encode(env, value, heap_, whole + 1, &length_);
    data_ = heap_;
  }
  ~StringBytes() { free(heap_); }
  StringBytes(const StringBytes&) = delete;
  StringBytes& operator=(const StringBytes&) = delete;

  bool ok() const { return data_ != nullptr; }
  const char* data() const { return data_; }
  size_t length() const { return length_; }

 private:
  char stack_[1024];
  char* heap_ = nullptr;
  const char* data_ = nullptr;
  size_t length_ = 0;
};

struct Utf8 : StringBytes {
  Utf8(napi_env env, napi_value value) : StringBytes(env, value, napi_get_value_string_utf8) {}
};

/** One byte per character, as in the head of an HTTP message. */
struct Latin1 : StringBytes {
  Latin1(napi_env env, napi_value value) : StringBytes(env, value, napi_get_value_string_latin1) {}
};

/** The bytes of a Uint8Array (or Buffer), without a copy. If not ok, a TypeError is pending. */
struct Bytes {
  const uint8_t* data = nullptr;
  size_t length = 0;
  bool ok = false;

  Bytes(napi_env env, napi_value value) {
    napi_typedarray_type type;
    void* start = nullptr;
    bool is_typed_array = false;
    napi_is_typedarray(env, value, &is_typed_array);
    if (is_typed_array &&
        napi_get_typedarray_info(env, value, &type, &length, &start, nullptr, nullptr) == napi_ok &&
        type == napi_uint8_array) {
      data = static_cast<const uint8_t*>(start);
      ok = true;
    } else {
      length = 0;
      throw_type_error(env, "a Uint8Array is expected");
    }
  }
};

/**
 * Returns the doubles of a Float64Array with at least `least` elements, for results; null, with a TypeError
 * pending, for others.
 */
inline double* doubles_of(napi_env env, napi_value value, size_t least) {
  napi_typedarray_type type;
  void* start = nullptr;
  size_t length = 0;
  bool is_typed_array = false;
  napi_is_typedarray(env, value, &is_typed_array);
  if (is_typed_array &&
      napi_get_typedarray_info(env, value, &type, &length, &start, nullptr, nullptr) == napi_ok &&
      type == napi_float64_array && length >= least) {
    return static_cast<double*>(start);
  }
  throw_type_error(env, "a Float64Array that is long enough is expected");
  return nullptr;
}

/**
 * Reads a number of an options object. Returns false, with a TypeError pending, if it is missing or not a
 * number.
 */
inline bool number_option(napi_env env, napi_value options, const char* name, double* number) {
  napi_value value = nullptr;
  if (napi_get_named_property(env, options, name, &value) == napi_ok &&
      napi_get_value_double(env, value, number) == napi_ok) {
    return true;
  }
  throw_type_error(env, name);
  return false;
}

struct Method {
  const char* name;
  napi_callback function;
};

/** Defines functions on an object, each with the same data. */
template <size_t N>
inline void define_methods(napi_env env, napi_value object, const Method (&methods)[N],
                           void* data = nullptr) {
  napi_property_descriptor descriptors[N];
  for (size_t i = 0; i < N; i++) {
    descriptors[i] = {methods[i].name, nullptr, methods[i].function, nullptr,
                      nullptr,         nullptr, napi_enumerable,     data};
  }
  napi_define_properties(env, object, N, descriptors);
}

/**
 * A JavaScript function that native code calls from the loop. Created once, and released before the
 * environment ends.
 */
class Callback {
 public:
  bool set(napi_env env, napi_value function, const char* name) {
    napi_value resource = nullptr;
    if (napi_create_reference(env, function, 1, &function_) != napi_ok) return false;
    napi_create_string_utf8(env, name, NAPI_AUTO_LENGTH, &resource);
    env_ = env;
    return napi_async_init(env, nullptr, resource, &context_) == napi_ok;
  }

  /**
   * Must be called in a handle scope, from the loop and not from JavaScript. What the function throws is an
   * uncaught exception.
   */
  void call(size_t count, const napi_value* values) {
    napi_value function = nullptr, self = nullptr, result = nullptr;
    if (function_ == nullptr || napi_get_reference_value(env_, function_, &function) != napi_ok) return;
    napi_get_global(env_, &self);
    if (napi_make_callback(env_, context_, self, function, count, values, &result) != napi_pending_exception)
      return;
    napi_value error = nullptr;
    napi_get_and_clear_last_exception(env_, &error);
    napi_fatal_exception(env_, error);
  }

  void reset() {
    if (context_ != nullptr) napi_async_destroy(env_, context_);
    if (function_ != nullptr) napi_delete_reference(env_, function_);
    context_ = nullptr;
    function_ = nullptr;
  }

 private:
  napi_env env_ = nullptr;
  napi_ref function_ = nullptr;
  napi_async_context context_ = nullptr;
};

}  // namespace encke

#endif  // ENCKE_EDGE_NATIVE_NAPI_HELPERS_H_
