// The cursors that the pool wrote last, numbered in increasing order, like edge/pool/positions.ts, which
// explains why. Owned by one pool; 20 KB, without allocations.

#ifndef ENCKE_POOL_POSITIONS_H_
#define ENCKE_POOL_POSITIONS_H_

#include "packed_frame.h"

namespace encke {

/** Maximum length of a cursor, as in broker/cursor.ts. */
constexpr size_t MAX_CURSOR_BYTES = 255;
/** The stamp at the beginning of a cursor: nine digits of six bits. */
constexpr size_t STAMP_BYTES = 9;
/** Stamps are below this number. */
constexpr double STAMP_END = 9'007'199'254'740'992;  // 2^53

/** Writes a stamp in digits whose order is the order of their characters in ASCII. */
inline void write_stamp(char* text, uint64_t stamp) {
  static constexpr char DIGITS[] = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";
  for (size_t at = STAMP_BYTES; at-- > 0; stamp >>= 6) text[at] = DIGITS[stamp & 63];
}

class Positions {
 public:
  /** The number of the newest cursor. */
  uint32_t newest() const { return newest_; }
  /** Valid until KEPT more cursors were noted, like every returned cursor. */
  View newest_cursor() const { return at(newest_); }

  /** Returns the number of a cursor that is written now. */
  uint32_t note(View cursor) {
    if (!is(newest_, cursor)) {
      Position& position = add();
      if (cursor.length > 0) memcpy(position.text, cursor.data, cursor.length);
      position.length = static_cast<uint32_t>(cursor.length);
    }
    return newest_;
  }

  /** Returns the number of a cursor that may have been written before. */
  uint32_t find(View cursor) {
    for (uint32_t back = 0; back < count_; back++) {
      if (is(newest_ - back, cursor)) return newest_ - back;
    }
    return note(cursor);
  }

  /** Returns the cursor with this number or, if it is no longer kept, the oldest one that is. */
  View cursor_of(uint32_t number) const {
    const uint32_t age = newest_ - number;  // also correct after the numbers have wrapped around
    return at(age < count_ ? number : newest_ - count_ + 1);
  }

  /** Notes the cursor of an event: `cursorOfEvent` in broker/cursor.ts. */
  View begin(uint64_t stamp, View others, View id) {
    Position& position = add();
    write_stamp(position.text, stamp);
    char* at = position.text + STAMP_BYTES;
    if (others.length > 0) memcpy(at, others.data, others.length);
    at += others.length;
    *at++ = '~';
    for (size_t i = 0; i < id.length; i++) *at++ = id.data[i] == '-' ? '.' : id.data[i];
    position.length = static_cast<uint32_t>(at - position.text);
    return newest_cursor();
  }

 private:
  static constexpr uint32_t KEPT = 64;

  struct Position {
    uint32_t length;
    /** `others` is at most as long as a cursor. */
    char text[STAMP_BYTES + MAX_CURSOR_BYTES + 1 + PackedFrame::MAX_ID_BYTES];
  };

  /** Returns the place of another cursor, which is the newest from now on. */
  Position& add() {
    newest_++;
    if (count_ < KEPT) count_++;
    return positions_[newest_ % KEPT];
  }

  View at(uint32_t number) const {
    const Position& position = positions_[number % KEPT];
    return View{position.text, position.length};
  }
  bool is(uint32_t number, View cursor) const {
    const View kept = at(number);
    return count_ > 0 && kept.length == cursor.length && memcmp(kept.data, cursor.data, cursor.length) == 0;
  }

  Position positions_[KEPT] = {};
  uint32_t newest_ = UINT32_MAX;
  uint32_t count_ = 0;
};

}  // namespace encke

#endif  // ENCKE_POOL_POSITIONS_H_
