// The digest of the messages that a stream received: their number, and the sum of their hashes. A sum does
// not depend on the order, so the expected digest follows from the number of events that each author sent.
// load/flood/digest.ts implements the same arithmetic, and a test compares the two.

#ifndef ENCKE_LOAD_NATIVE_DIGEST_H_
#define ENCKE_LOAD_NATIVE_DIGEST_H_

#include <cstdint>

#include "load/native/src/stream.h"

namespace encke {

/** Two lanes of FNV-1a over the author's name, with different initial values. */
constexpr uint32_t START_A = 0x811c9dc5;
constexpr uint32_t START_B = 0x2f0b4c47;
constexpr uint32_t FNV_PRIME = 0x01000193;
constexpr uint32_t SEQ_STEP_A = 0x9e3779b1;
constexpr uint32_t SEQ_STEP_B = 0x85ebca77;

/** MurmurHash3's finalizer. */
constexpr uint32_t mix(uint32_t hash) {
  hash = (hash ^ (hash >> 16)) * 0x85ebca6b;
  hash = (hash ^ (hash >> 13)) * 0xc2b2ae35;
  return hash ^ (hash >> 16);
}

inline void begin_from(Stream& stream) {
  stream.from_a = START_A;
  stream.from_b = START_B;
}

inline void add_to_from(Stream& stream, uint8_t byte) {
  stream.from_a = (stream.from_a ^ byte) * FNV_PRIME;
  stream.from_b = (stream.from_b ^ byte) * FNV_PRIME;
}

/** Adds the message whose author and number are in the row. */
inline void add_message(Stream& stream) {
  stream.count += 1;
  stream.sum_a += mix(stream.from_a + stream.seq * SEQ_STEP_A);
  stream.sum_b += mix(stream.from_b ^ (stream.seq * SEQ_STEP_B));
}

}  // namespace encke

#endif  // ENCKE_LOAD_NATIVE_DIGEST_H_
