// One held stream as plain data, and the table of all: 64 bytes each, at an index that is its name inside the pool.
// Owned by one pool, bounded by its descriptors. An index is reused; its generation tells a stale event from a new one.

#ifndef ENCKE_POOL_CONNECTION_H_
#define ENCKE_POOL_CONNECTION_H_

#include "chunk.h"
#include "memory.h"

namespace encke {

struct Output;  // output.h: what waits for a slow reader
struct Extra;   // extra.h: what only few streams need

/** Moments are counted in ticks of the timing wheel since the pool began; libuv's clock, which is monotonic. */
using Tick = uint32_t;
constexpr Tick NEVER = UINT32_MAX;
/** A moment of the wall clock: seconds since 1970, until 2106. */
using WallSecond = uint32_t;
constexpr WallSecond NO_END = UINT32_MAX;

enum class State : uint8_t {
  kFree,
  kOpen,
  kEnding,  // its last words are written, and its users are let go; the reader may still read
  kGone,    // closed, kept until JavaScript has been told
};

struct Connection {
  Output* output;
  Extra* extra;
  int32_t descriptor;
  uint32_t generation;
  uint32_t first_membership;
  union {
    /** Of a format that numbers its messages: how many so far. */
    uint32_t messages;
    /** Of any other: the cursor that was written last, by its number in Positions. */
    uint32_t position;
  };
  Tick last_write;
  /** When its token runs out. */
  WallSecond expires;
  /** When its lifetime is over; of a stream that is ending: the end of its reader's time to read. */
  Tick ages;
  /** The timing wheel's: when it looks here next, and its neighbours in that list. */
  Tick due;
  uint32_t wheel_next;
  uint32_t wheel_previous;
  /** Of a free record: the next free one; of one that ended: the next whose end is to be told. */
  uint32_t next;
  State state;
  uint8_t format;
  Framing framing;
  bool told;
};
static_assert(sizeof(Connection) == 64, "a cache line each; connections are counted in millions");

class ConnectionTable {
 public:
  /** Records in use and free ones. */
  uint32_t size() const { return records_.size(); }
  Connection& operator[](uint32_t index) { return records_[index]; }

  /** @return the index of a cleared record, NONE without memory */
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

/** What an epoll event carries. */
inline uint64_t ticket_of(uint32_t index, const Connection& connection) {
  return static_cast<uint64_t>(connection.generation) << 32 | index;
}

}  // namespace encke

#endif  // ENCKE_POOL_CONNECTION_H_
