// One held stream as plain data, and the table of all streams: 64 bytes each, identified by their index.
// Owned by one pool, bounded by its descriptors. Indexes are reused; the generation distinguishes a stale
// event from a current one.

#ifndef ENCKE_POOL_CONNECTION_H_
#define ENCKE_POOL_CONNECTION_H_

#include "chunk.h"
#include "close_reasons.h"
#include "memory.h"

namespace encke {

struct Output;  // output.h: the bytes that wait for a slow reader
struct Extra;   // extra.h: data that only few streams need

/** A moment, in ticks of the timing wheel since the pool was created, by libuv's monotonic clock. */
using Tick = uint32_t;
constexpr Tick NEVER = UINT32_MAX;
/** A moment by the wall clock, in seconds since 1970, until 2106. */
using WallSecond = uint32_t;
constexpr WallSecond NO_END = UINT32_MAX;

enum class State : uint8_t {
  kFree,
  kOpen,
  kCorked,  // open, but events are buffered: see corks.h
  kEnding,  // its goodbye is written and its users are released; the reader may still read
  kGone,    // closed, and kept until JavaScript has been notified
};

struct Connection {
  Output* output;
  Extra* extra;
  int32_t descriptor;
  uint32_t generation;
  uint32_t first_membership;
  union {
    /** If the format numbers its messages: how many were written. */
    uint32_t messages;
    /** Otherwise: the cursor that was written last, by its number in Positions. */
    uint32_t position;
    /** While it is corked: its index in Corks, which has both. */
    uint32_t cork;
    /** Once it has ended, until JavaScript has been notified. */
    CloseReason reason;
  };
  Tick last_write;
  /** When its token expires. */
  WallSecond expires;
  /** When its lifetime ends or, while the stream is ending, when its reader's time to read ends. */
  Tick ages;
  /** Used by the timing wheel: the next visit, and the neighbors in that list. */
  Tick due;
  uint32_t wheel_next;
  uint32_t wheel_previous;
  /** For a free record, the next free one; for an ended one, the next whose end is to be reported. */
  uint32_t next;
  State state;
  uint8_t format;
  Framing framing;
  bool told;

  bool is_open() const { return state == State::kOpen || state == State::kCorked; }
};
static_assert(sizeof(Connection) == 64, "one cache line each, because there are millions");

class ConnectionTable {
 public:
  /** Number of records, in use or free. */
  uint32_t size() const { return records_.size(); }
  Connection& operator[](uint32_t index) { return records_[index]; }

  /** @return the index of a cleared record, or NONE without memory */
  uint32_t take() {
    uint32_t index = free_;
    uint32_t generation = 0;
    if (index == NONE) {
      if (!records_.reserve(1)) return NONE;
      index = records_.size();
      records_.extend(1);
    } else {
      free_ = records_[index].next;
      generation = records_[index].generation + 1;
    }
    Connection& fresh = records_[index];
    memset(&fresh, 0, sizeof fresh);
    fresh.descriptor = -1;
    fresh.generation = generation;
    fresh.first_membership = NONE;
    fresh.expires = NO_END;
    fresh.ages = fresh.due = NEVER;
    fresh.wheel_next = fresh.wheel_previous = fresh.next = NONE;
    return index;
  }

  void give_back(uint32_t index) {
    records_[index].state = State::kFree;
    records_[index].next = free_;
    free_ = index;
  }

 private:
  List<Connection> records_;
  uint32_t free_ = NONE;
};

/** The data of an epoll event. */
inline uint64_t ticket_of(uint32_t index, const Connection& connection) {
  return static_cast<uint64_t>(connection.generation) << 32 | index;
}

}  // namespace encke

#endif  // ENCKE_POOL_CONNECTION_H_
