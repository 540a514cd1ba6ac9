// One stream as the table holds it: where it is in its response, what of a message has been read, and the digest of
// all messages so far. It owns its descriptor and nothing else; no heap hangs on a stream at rest.

#ifndef ENCKE_LOAD_NATIVE_STREAM_H_
#define ENCKE_LOAD_NATIVE_STREAM_H_

#include <cstdint>

namespace encke {

enum class Phase : uint8_t {
  IDLE,        // no descriptor
  CONNECTING,  // the request waits for the connection
  HEAD,        // the request is sent, the response's head is not complete
  SIZE_START,  // before a chunk's size
  SIZE,
  EXTENSION,  // between a chunk's size and the end of its line
  SIZE_END,
  DATA,
  DATA_END,
  DATA_END_LF,
  TRAILER,  // behind the last chunk, at the start of a line
  TRAILER_TEXT,
  TRAILER_END,
  RAW,  // a body without chunks: everything until the end
};

/** What the scanner is reading. */
enum class Field : uint8_t { TEXT, FROM, SEQ, SENT_US };

struct Stream {
  uint64_t sent_us = 0;
  int32_t fd = -1;
  /** Bytes that the present chunk still has to come. */
  uint32_t remaining = 0;
  /** Digest: how many of the run's messages came, and the sums of their hashes in two lanes. */
  uint32_t count = 0;
  uint32_t sum_a = 0;
  uint32_t sum_b = 0;
  /** Of the message being read: its author's hashes and its number. */
  uint32_t from_a = 0;
  uint32_t from_b = 0;
  uint32_t seq = 0;
  Phase phase = Phase::IDLE;
  Field field = Field::TEXT;
  /** Where the scanner's automaton is. */
  uint8_t state = 0;
  /** What of the message has been seen: bits of Seen. */
  uint8_t seen = 0;
  /** It has been open before: opening it is re-opening. */
  bool was_open = false;
};

static_assert(sizeof(Stream) <= 48, "a stream costs so many bytes, a million times");

}  // namespace encke

#endif  // ENCKE_LOAD_NATIVE_STREAM_H_
