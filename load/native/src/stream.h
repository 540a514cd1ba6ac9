// One row of the table: the position in the response, the state of the message being read, and the digest of
// all messages so far. It owns its descriptor, and an idle stream has no memory on the heap.

#ifndef ENCKE_LOAD_NATIVE_STREAM_H_
#define ENCKE_LOAD_NATIVE_STREAM_H_

#include <cstdint>

namespace encke {

enum class Phase : uint8_t {
  IDLE,        // no descriptor
  CONNECTING,  // the connection is in progress, and the request is not sent
  HEAD,        // the request is sent, and the response's head is incomplete
  SIZE_START,  // before a chunk's size
  SIZE,
  EXTENSION,  // between a chunk's size and the end of its line
  SIZE_END,
  DATA,
  DATA_END,
  DATA_END_LF,
  TRAILER,  // after the last chunk, at the start of a line
  TRAILER_TEXT,
  TRAILER_END,
  RAW,  // a body without chunks: everything until the end
};

/** The field that the scanner is reading. */
enum class Field : uint8_t { TEXT, FROM, SEQ, SENT_US };

struct Stream {
  uint64_t sent_us = 0;
  int32_t fd = -1;
  /** Bytes of the current chunk that have not arrived. */
  uint32_t remaining = 0;
  /** Digest: the number of the run's messages, and the sums of their hashes in two lanes. */
  uint32_t count = 0;
  uint32_t sum_a = 0;
  uint32_t sum_b = 0;
  /** The author's hashes and the number of the message being read. */
  uint32_t from_a = 0;
  uint32_t from_b = 0;
  uint32_t seq = 0;
  Phase phase = Phase::IDLE;
  Field field = Field::TEXT;
  /** State of the scanner's automaton. */
  uint8_t state = 0;
  /** Fields of the message that were found: bits of Seen. */
  uint8_t seen = 0;
  /** True if it has been open before, so that opening it counts as reopening. */
  bool was_open = false;
};

static_assert(sizeof(Stream) <= 48, "each stream costs this many bytes");

}  // namespace encke

#endif  // ENCKE_LOAD_NATIVE_STREAM_H_
