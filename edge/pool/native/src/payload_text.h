// The payload of an encoded event as a person reads it, like edge/formats/payload-text.ts. An event ends with
// its `data` or `data_base64` member, and every member before it is a plain string, so it need not be parsed
// completely. Events of another form are shown unchanged.

#ifndef ENCKE_POOL_PAYLOAD_TEXT_H_
#define ENCKE_POOL_PAYLOAD_TEXT_H_

#include "memory.h"

namespace encke {

/** Returns the value of the last member; empty if the event does not have the form above. */
inline View payload_value(View json) {
  const char* at = json.data + 1;
  const char* const end = json.data + json.length - 1;  // the last "}"
  if (json.length < 2) return View{};
  for (bool is_first = true;; is_first = false) {
    // "name":
    if (at >= end || *at != '"') return View{};
    const char* name = ++at;
    while (at < end && *at != '"' && *at != '\\') at++;
    if (at + 1 >= end || *at != '"' || at[1] != ':') return View{};
    const View key{name, static_cast<size_t>(at - name)};
    at += 2;
    const auto is = [key](const char* text, size_t length) {
      return key.length == length && memcmp(key.data, text, length) == 0;
    };
    if (is_first && !is("id", 2)) return View{};
    if (is("data", 4) || is("data_base64", 11)) return View{at, static_cast<size_t>(end - at)};
    // "plain text",
    if (at >= end || *at != '"') return View{};
    at++;
    while (at < end && *at != '"' && *at != '\\') at++;
    if (at + 1 >= end || *at != '"' || at[1] != ',') return View{};
    at += 2;
  }
}

class JsonString {
 public:
  /** `quoted` includes its quotes. */
  explicit JsonString(View quoted) : at_(quoted.data + 1), end_(quoted.data + quoted.length - 1) {}

  /**
   * Appends the text to `out`, which has space for as many bytes as the input. Returns false if it is not a
   * JSON string.
   */
  bool unescape(List<char>* out) {
    while (at_ < end_) {
      const char* plain = at_;
      while (at_ < end_ && *at_ != '\\' && *at_ != '"' && static_cast<uint8_t>(*at_) >= 0x20) at_++;
      out->append(plain, static_cast<size_t>(at_ - plain));
      if (at_ < end_ && !unescape_one(out)) return false;
    }
    return true;
  }

 private:
  bool unescape_one(List<char>* out) {
    if (*at_ != '\\' || at_ + 1 >= end_) return false;
    const char kind = at_[1];
    at_ += 2;
    if (kind == 'u') return unescape_unit(out);
    static constexpr char KINDS[] = "\"\\/bfnrt";
    static constexpr char MEANINGS[] = "\"\\/\b\f\n\r\t";
    const char* found = kind == '\0' ? nullptr : strchr(KINDS, kind);
    if (found == nullptr) return false;
    return out->append(&MEANINGS[found - KINDS], 1), true;
  }

  bool unescape_unit(List<char>* out) {
    uint32_t unit = 0;
    if (!read_hex(&unit)) return false;
    uint32_t low = 0;
    if (is_high(unit) && at_ + 6 <= end_ && at_[0] == '\\' && at_[1] == 'u') {
      const char* back = at_;
      at_ += 2;
      if (!read_hex(&low)) return false;
      if (is_low(low)) {
        unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
      } else {
        at_ = back;
      }
    }
    if (unit >= 0xd800 && unit <= 0xdfff) unit = 0xfffd;  // half of a surrogate pair is not a character
    append_utf8(unit, out);
    return true;
  }

  bool read_hex(uint32_t* unit) {
    if (end_ - at_ < 4) return false;
    uint32_t value = 0;
    for (int i = 0; i < 4; i++, at_++) {
      const char c = *at_;
      const int digit = digit_of(c);
      if (digit < 0) return false;
      value = value * 16 + static_cast<uint32_t>(digit);
    }
    *unit = value;
    return true;
  }

  /** Returns -1 if it is not a hexadecimal digit. */
  static int digit_of(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  }

  static bool is_high(uint32_t unit) { return unit >= 0xd800 && unit <= 0xdbff; }
  static bool is_low(uint32_t unit) { return unit >= 0xdc00 && unit <= 0xdfff; }

  /** Appends at most as many bytes as the escape had. */
  static void append_utf8(uint32_t point, List<char>* out) {
    char bytes[4];
    size_t count = 0;
    if (point < 0x80) {
      bytes[count++] = static_cast<char>(point);
    } else if (point < 0x800) {
      bytes[count++] = static_cast<char>(0xc0 | point >> 6);
      bytes[count++] = static_cast<char>(0x80 | (point & 0x3f));
    } else if (point < 0x10000) {
      bytes[count++] = static_cast<char>(0xe0 | point >> 12);
      bytes[count++] = static_cast<char>(0x80 | (point >> 6 & 0x3f));
      bytes[count++] = static_cast<char>(0x80 | (point & 0x3f));
    } else {
      bytes[count++] = static_cast<char>(0xf0 | point >> 18);
      bytes[count++] = static_cast<char>(0x80 | (point >> 12 & 0x3f));
      bytes[count++] = static_cast<char>(0x80 | (point >> 6 & 0x3f));
      bytes[count++] = static_cast<char>(0x80 | (point & 0x3f));
    }
    out->append(bytes, count);
  }

  const char* at_;
  const char* const end_;
};

/**
 * Appends an object or array as it was written: the escapes that encodeEvent made become characters again.
 */
inline void append_as_written(View value, List<char>* out) {
  static constexpr struct {
    char escape[7];
    char utf8[4];
  } ESCAPES[] = {{"\\u0085", "\xc2\x85"}, {"\\u2028", "\xe2\x80\xa8"}, {"\\u2029", "\xe2\x80\xa9"}};
  const char* at = value.data;
  const char* const end = value.data + value.length;
  while (at < end) {
    const void* found = memchr(at, '\\', static_cast<size_t>(end - at));
    const char* const plain_end = found == nullptr ? end : static_cast<const char*>(found);
    out->append(at, static_cast<size_t>(plain_end - at));
    at = plain_end;
    const size_t left = static_cast<size_t>(end - at);
    size_t taken = left < 2 ? left : 2;  // a backslash and the character that it escapes
    View text{at, taken};
    for (const auto& known : ESCAPES) {
      if (left < 6 || memcmp(at, known.escape, 6) != 0) continue;
      taken = 6;
      text = View{known.utf8, strlen(known.utf8)};
    }
    out->append(text.data, text.length);
    at += taken;
  }
}

/** Appends the payload's text, which is at most as long as `json`. Returns false without memory. */
inline bool append_payload_text(View json, List<char>* out) {
  if (!out->reserve(json.length)) return false;
  const View value = payload_value(json);
  const uint32_t before = out->size();
  const bool is_string = value.length >= 2 && value.data[0] == '"' && value.data[value.length - 1] == '"';
  if (is_string && JsonString(value).unescape(out)) return true;
  out->truncate(before);
  if (value.length > 0 && value.data[0] != '"') {
    append_as_written(value, out);
  } else {
    out->append(json.data, json.length);
  }
  return true;
}

}  // namespace encke

#endif  // ENCKE_POOL_PAYLOAD_TEXT_H_
