// The chunked transfer coding of HTTP/1.1: a size in hexadecimal, a line break, the bytes, a line break. An
// empty chunk would end the response, so frames without bytes are not written.

#ifndef ENCKE_POOL_CHUNK_H_
#define ENCKE_POOL_CHUNK_H_

#include <stddef.h>
#include <stdint.h>

namespace encke {

/** How a response's bytes are delimited, numbered like FRAMINGS in edge/formats/frame.ts. */
enum class Framing : uint8_t { kChunked, kNone };
constexpr uint32_t FRAMINGS = 2;

constexpr char CRLF[] = "\r\n";
constexpr char LAST_CHUNK[] = "0\r\n\r\n";
constexpr size_t LAST_CHUNK_BYTES = 5;
/** Maximum length of a chunk's head: 16 digits and the line break. */
constexpr size_t CHUNK_HEAD_BYTES = 18;

/** Writes a chunk's head so that it ends at `end`. @return where it begins */
inline char* write_chunk_head(char* end, size_t length) {
  *--end = '\n';
  *--end = '\r';
  do {
    *--end = "0123456789abcdef"[length & 15];
    length >>= 4;
  } while (length != 0);
  return end;
}

/** Maximum length of a 32-bit number in decimal. */
constexpr size_t DECIMAL_BYTES = 10;

/** Writes a number in decimal so that it ends at `end`. @return where it begins */
inline char* write_decimal(char* end, unsigned number) {
  do {
    *--end = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number != 0);
  return end;
}

}  // namespace encke

#endif  // ENCKE_POOL_CHUNK_H_
