// Reads packed frames, whose layout is documented in broker/frame.ts; both implementations must agree.
// Nothing outside the bytes is read, whatever they are and however they are aligned, and a record is returned
// only if it is complete and well-formed.

#ifndef ENCKE_POOL_PACKED_FRAME_H_
#define ENCKE_POOL_PACKED_FRAME_H_

#include "memory.h"

namespace encke {

struct PackedRecord {
  View id;
  View json;
  uint32_t recipients;
  const char* handles;

  uint32_t handle_at(uint32_t index) const {
    uint32_t handle;
    memcpy(&handle, handles + size_t{index} * 4, 4);
    return le(handle);
  }

  static uint32_t le(uint32_t number) {
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? number : __builtin_bswap32(number);
  }
};

class PackedFrame {
 public:
  static constexpr uint64_t MAX_ID_BYTES = 40;

  explicit PackedFrame(View bytes) : bytes_(bytes) {
    const char* at = bytes_.data;
    if (bytes_.length < HEAD_BYTES || at[0] != KIND || at[1] != VERSION) broken_ = true;
  }

  /**
   * Whether everything read so far was well-formed and, after the last record, whether the whole frame was.
   */
  bool is_well_formed() const { return !broken_; }

  /** Returns false at the end, and at the first malformed record. */
  bool next(PackedRecord* record) {
    if (broken_) return false;
    if (at_ >= bytes_.length) {
      if (u32(RECORDS_AT) != records_) broken_ = true;
      return false;
    }
    if (!read(record)) broken_ = true;
    return !broken_;
  }

 private:
  static constexpr uint64_t HEAD_BYTES = 32;
  /** Where the head has the number of records; the pool needs nothing else of it. */
  static constexpr uint64_t RECORDS_AT = 8;
  static constexpr uint64_t RECORD_BYTES = 12;
  static constexpr char KIND = 1;
  static constexpr char VERSION = 2;

  uint32_t u32(uint64_t at) const {
    uint32_t number;
    memcpy(&number, bytes_.data + at, 4);
    return PackedRecord::le(number);
  }

  bool read(PackedRecord* record) {
    if (bytes_.length - at_ < RECORD_BYTES) return false;
    const uint64_t recipients = u32(at_), json_bytes = u32(at_ + 4), id_bytes = u32(at_ + 8);
    const uint64_t handles = at_ + RECORD_BYTES;  // sums of 32-bit numbers do not overflow here
    const uint64_t id_at = handles + recipients * 4;
    const uint64_t json_at = id_at + id_bytes;
    const uint64_t end = json_at + json_bytes;
    const uint64_t next = end + (4 - (end - at_) % 4) % 4;
    if (id_bytes < 1 || id_bytes > MAX_ID_BYTES || next > bytes_.length) return false;
    record->id = View{bytes_.data + id_at, static_cast<size_t>(id_bytes)};
    record->json = View{bytes_.data + json_at, static_cast<size_t>(json_bytes)};
    record->recipients = static_cast<uint32_t>(recipients);
    record->handles = bytes_.data + handles;
    records_++;
    at_ = next;
    return is_id(record->id) && looks_encoded(record->json);
  }

  static bool is_id(View id) {
    for (size_t i = 0; i < id.length; i++) {
      const char c = id.data[i];
      if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-')) return false;
    }
    return true;
  }

  /**
   * Checks for one pair of braces and no line break, so that the text cannot break the framing of a stream.
   */
  static bool looks_encoded(View json) {
    return json.length > 0 && json.data[0] == '{' && json.data[json.length - 1] == '}' &&
           memchr(json.data, '\n', json.length) == nullptr && memchr(json.data, '\r', json.length) == nullptr;
  }

  View bytes_;
  uint64_t at_ = HEAD_BYTES;
  uint64_t records_ = 0;
  bool broken_ = false;
};

}  // namespace encke

#endif  // ENCKE_POOL_PACKED_FRAME_H_
