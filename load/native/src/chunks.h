// HTTP/1.1's chunked framing (RFC 9112, 7.1), parsed byte by byte across any number of reads. The state
// between reads is four bytes and a phase in the stream's row.

#ifndef ENCKE_LOAD_NATIVE_CHUNKS_H_
#define ENCKE_LOAD_NATIVE_CHUNKS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "load/native/src/stream.h"

namespace encke {

/** Maximum size of a chunk. Our servers send smaller ones, so a greater size is malformed. */
constexpr uint32_t MAX_CHUNK_BYTES = 0x0fffffff;

enum class Framing { MORE, COMPLETE, BROKEN };

inline int hex_digit(uint8_t byte) {
  if (byte >= '0' && byte <= '9') return byte - '0';
  const uint8_t lower = byte | 0x20;
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/** Parses one byte outside of a chunk's data. */
inline Framing read_framing_byte(Stream& stream, uint8_t byte) {
  const auto expect = [&](uint8_t wanted, Phase next) {
    if (byte != wanted) return Framing::BROKEN;
    stream.phase = next;
    return Framing::MORE;
  };
  switch (stream.phase) {
    case Phase::SIZE_START:
      if (hex_digit(byte) < 0) return Framing::BROKEN;
      stream.remaining = static_cast<uint32_t>(hex_digit(byte));
      stream.phase = Phase::SIZE;
      return Framing::MORE;
    case Phase::SIZE:
      if (hex_digit(byte) >= 0) {
        stream.remaining = stream.remaining * 16 + static_cast<uint32_t>(hex_digit(byte));
        return stream.remaining > MAX_CHUNK_BYTES ? Framing::BROKEN : Framing::MORE;
      }
      if (byte == ';') return expect(';', Phase::EXTENSION);
      return expect('\r', Phase::SIZE_END);
    case Phase::EXTENSION:
      return byte == '\r' ? expect('\r', Phase::SIZE_END) : Framing::MORE;
    case Phase::SIZE_END:
      return expect('\n', stream.remaining == 0 ? Phase::TRAILER : Phase::DATA);
    case Phase::DATA_END:
      return expect('\r', Phase::DATA_END_LF);
    case Phase::DATA_END_LF:
      return expect('\n', Phase::SIZE_START);
    case Phase::TRAILER:
      stream.phase = byte == '\r' ? Phase::TRAILER_END : Phase::TRAILER_TEXT;
      return Framing::MORE;
    case Phase::TRAILER_TEXT:
      if (byte == '\n') stream.phase = Phase::TRAILER;
      return Framing::MORE;
    case Phase::TRAILER_END:
      return byte == '\n' ? Framing::COMPLETE : Framing::BROKEN;
    default:
      return Framing::BROKEN;
  }
}

/**
 * Removes the framing from `size` bytes. `on_data(bytes, count)` receives the data in place, and `on_chunk()`
 * is called at the end of each chunk except the last.
 */
template <typename OnData, typename OnChunk>
Framing read_chunks(Stream& stream, const uint8_t* bytes, size_t size, OnData on_data, OnChunk on_chunk) {
  for (size_t at = 0; at < size;) {
    if (stream.phase == Phase::DATA) {
      const size_t taken = std::min<size_t>(stream.remaining, size - at);
      on_data(bytes + at, taken);
      at += taken;
      stream.remaining -= static_cast<uint32_t>(taken);
      if (stream.remaining > 0) break;
      stream.phase = Phase::DATA_END;
      on_chunk();
      continue;
    }
    const Framing framing = read_framing_byte(stream, bytes[at]);
    if (framing != Framing::MORE) return framing;
    at += 1;
  }
  return Framing::MORE;
}

}  // namespace encke

#endif  // ENCKE_LOAD_NATIVE_CHUNKS_H_
