// An event in a format, built once and shared by every connection that receives it, like
// edge/formats/template.ts. In a format without numbers, it is a single sequence of bytes that already forms
// a chunk; otherwise `writev` inserts the connection's number between several sequences. Nothing is copied
// per connection.

#ifndef ENCKE_POOL_RENDERING_H_
#define ENCKE_POOL_RENDERING_H_

#include <sys/uio.h>

#include "chunk.h"
#include "memory.h"
#include "payload_text.h"

namespace encke {

/** An event as the pool receives it. */
struct Event {
  View id;
  View json;
  View cursor;
};

/**
 * The kind of a template's part, numbered like INSERTS in edge/formats/template.ts; a literal has its own
 * text.
 */
enum class Insert : uint8_t { kJson, kJsonOpen, kCursor, kText, kNumber, kLiteral };
constexpr uint32_t INSERTS = 5;

struct Part {
  Insert insert;
  uint32_t begin;  // for a literal: where its text begins in the format's texts
  uint32_t length;
};

/** Maximum number of inserted numbers per template; no format needs more. */
constexpr uint32_t MAX_NUMBERS = 4;
/** The pieces of one frame: the head, sequences with numbers between them, and the line break. */
constexpr int MAX_PIECES = 3 + 2 * MAX_NUMBERS;

/** The pieces of a frame for one connection, and the digits that they refer to. */
struct Pieces {
  iovec list[MAX_PIECES];
  int count = 0;
  size_t bytes = 0;
  char digits[DECIMAL_BYTES];
  char head[CHUNK_HEAD_BYTES];

  void add(const void* data, size_t length) {
    list[count].iov_base = const_cast<void*>(data);
    list[count].iov_len = length;
    count++;
    bytes += length;
  }
};

/** One event in one format. Reused for the next event; its memory is kept unless it grew large. */
class Rendering {
 public:
  bool is_ready() const { return ready_; }

  void begin() {
    ready_ = false;
    bytes_.clear(KEPT_BYTES);
  }

  /** Builds the frame. Returns false without memory. */
  bool build(const List<Part>& parts, const List<char>& texts, const Event& event) {
    bytes_.clear();
    stretches_ = 1;
    starts_[0] = CHUNK_HEAD_BYTES;
    if (!bytes_.reserve(CHUNK_HEAD_BYTES + event.json.length + event.cursor.length + texts.size() + 2))
      return false;
    bytes_.extend(CHUNK_HEAD_BYTES);
    for (uint32_t i = 0; i < parts.size(); i++) {
      if (!add(parts[i], texts, event)) return false;
    }
    end_ = bytes_.size();
    if (!bytes_.reserve(2)) return false;
    bytes_.append(CRLF, 2);
    const char* head = write_chunk_head(bytes_.data() + CHUNK_HEAD_BYTES, end_ - CHUNK_HEAD_BYTES);
    head_ = static_cast<uint32_t>(head - bytes_.data());
    ready_ = true;
    return true;
  }

  bool has_numbers() const { return stretches_ > 1; }

  /** Returns the frame of one connection, valid until the next `begin`. Empty if the frame is. */
  void pieces(uint32_t number, Framing framing, Pieces* out) const {
    const bool is_chunked = framing == Framing::kChunked;
    const char* data = bytes_.data();
    if (!has_numbers()) {
      if (end_ == CHUNK_HEAD_BYTES) return;
      if (is_chunked) return out->add(data + head_, end_ + 2 - head_);
      return out->add(data + CHUNK_HEAD_BYTES, end_ - CHUNK_HEAD_BYTES);
    }
    const char* digits = write_decimal(out->digits + DECIMAL_BYTES, number);
    const size_t digit_bytes = static_cast<size_t>(out->digits + DECIMAL_BYTES - digits);
    if (is_chunked) {
      const size_t length = end_ - CHUNK_HEAD_BYTES + digit_bytes * (stretches_ - 1);
      const char* head = write_chunk_head(out->head + CHUNK_HEAD_BYTES, length);
      out->add(head, static_cast<size_t>(out->head + CHUNK_HEAD_BYTES - head));
    }
    for (uint32_t i = 0; i < stretches_; i++) {
      if (i > 0) out->add(digits, digit_bytes);
      const uint32_t stretch_end = i + 1 < stretches_ ? starts_[i + 1] : end_;
      if (stretch_end > starts_[i]) out->add(data + starts_[i], stretch_end - starts_[i]);
    }
    if (is_chunked) out->add(CRLF, 2);
  }

 private:
  static constexpr uint32_t KEPT_BYTES = 262'144;

  bool add(const Part& part, const List<char>& texts, const Event& event) {
    switch (part.insert) {
      case Insert::kNumber:
        starts_[stretches_++] = bytes_.size();
        return true;
      case Insert::kText:
        return append_payload_text(event.json, &bytes_);
      case Insert::kLiteral:
        return append(texts.data() + part.begin, part.length);
      case Insert::kCursor:
        return append(event.cursor.data, event.cursor.length);
      case Insert::kJson:
        return append(event.json.data, event.json.length);
      case Insert::kJsonOpen:
        return append(event.json.data, event.json.length == 0 ? 0 : event.json.length - 1);
    }
    return false;
  }

  bool append(const char* data, size_t length) {
    if (!bytes_.reserve(length)) return false;
    bytes_.append(data, length);
    return true;
  }

  /** Space for a chunk's head, the contiguous sequences, and a line break. */
  List<char> bytes_;
  uint32_t starts_[MAX_NUMBERS + 1];
  uint32_t stretches_ = 1;
  uint32_t head_ = 0;
  uint32_t end_ = 0;
  bool ready_ = false;
};

}  // namespace encke

#endif  // ENCKE_POOL_RENDERING_H_
