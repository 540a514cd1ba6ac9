// The cursors that the pool wrote last, numbered in increasing order, like edge/pool/positions.ts, which
// explains why. Owned by one pool; 20 KB, without allocations.

#ifndef ENCKE_POOL_POSITIONS_H_
#define ENCKE_POOL_POSITIONS_H_

#include "packed_frame.h"

namespace encke {

class Positions {
 public:
  /** Maximum length of a cursor: MAX_CURSOR_BYTES in broker/cursor.ts. */
  static constexpr size_t MAX_PREFIX_BYTES = 256;

  /** The number of the newest cursor. */
  uint32_t newest() const { return newest_; }
  /** Valid until KEPT more cursors were noted, like every returned cursor. */
  View newest_cursor() const { return at(newest_); }

  /** Returns the number of a cursor that is written now. */
  uint32_t note(View cursor) {
    if (!is(newest_, cursor)) begin(cursor, View{});
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

  /** Notes the cursor of an event: a prefix, and the event's id with dots instead of dashes. */
  View begin(View prefix, View id) {
    newest_++;
    if (count_ < KEPT) count_++;
    Position& position = positions_[newest_ % KEPT];
    memcpy(position.text, prefix.data, prefix.length);
    for (size_t i = 0; i < id.length; i++)
      position.text[prefix.length + i] = id.data[i] == '-' ? '.' : id.data[i];
    position.length = static_cast<uint32_t>(prefix.length + id.length);
    return at(newest_);
  }

 private:
  static constexpr uint32_t KEPT = 64;

  struct Position {
    uint32_t length;
    char text[MAX_PREFIX_BYTES + PackedFrame::MAX_ID_BYTES];
  };

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
