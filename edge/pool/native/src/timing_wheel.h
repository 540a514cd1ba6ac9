// When each connection is looked at next. One wheel a pool: a list of connections for each of the next 2,048 ticks of
// 32 ms, linked through the connections themselves, so that a change costs two stores and no memory. What is due later
// than the wheel reaches (65 s) is looked at then and scheduled again. It says when something is due next, so that its
// owner's timer sleeps while nothing is.

#ifndef ENCKE_POOL_TIMING_WHEEL_H_
#define ENCKE_POOL_TIMING_WHEEL_H_

#include <math.h>

#include "connection.h"

namespace encke {

class TimingWheel {
 public:
  static constexpr uint32_t TICK_MS = 32;

  explicit TimingWheel(ConnectionTable& connections) : connections_(connections) {
    for (uint32_t& head : heads_) head = NONE;
  }

  /** Ticks that a time takes, rounded up, at least one; two years for anything longer, so that sums with the present fit. */
  static Tick ticks_of(double ms) {
    constexpr Tick LONGEST = NEVER / 2;
    if (!(ms > TICK_MS)) return 1;
    if (ms >= double{LONGEST} * TICK_MS) return LONGEST;
    return static_cast<Tick>(ceil(ms / TICK_MS));
  }

  /** Looks at a connection at `due`, or as soon after now and as late before the wheel's end as it can. */
  void schedule(uint32_t index, Tick due) {
    cancel(index);
    if (due <= now_) due = now_ + 1;
    if (due - now_ >= SLOTS) due = now_ + SLOTS - 1;
    Connection& connection = connections_[index];
    uint32_t& head = heads_[due % SLOTS];
    connection.due = due;
    connection.wheel_previous = NONE;
    connection.wheel_next = head;
    if (head != NONE) connections_[head].wheel_previous = index;
    head = index;
    occupied_[due % SLOTS / 64] |= uint64_t{1} << (due % 64);
  }

  void cancel(uint32_t index) {
    Connection& connection = connections_[index];
    if (connection.due == NEVER) return;
    const uint32_t slot = connection.due % SLOTS;
    if (connection.wheel_previous != NONE) {
      connections_[connection.wheel_previous].wheel_next = connection.wheel_next;
    } else {
      heads_[slot] = connection.wheel_next;
      if (heads_[slot] == NONE) occupied_[slot / 64] &= ~(uint64_t{1} << (slot % 64));
    }
    if (connection.wheel_next != NONE)
      connections_[connection.wheel_next].wheel_previous = connection.wheel_previous;
    connection.due = NEVER;
  }

  /** Moves to `to` and calls `visit(index)` for each connection that was due; it may schedule and cancel any. */
  template <typename Visit>
  void advance(Tick to, Visit visit) {
    if (to - now_ > SLOTS && to > now_)
      now_ = to - SLOTS;  // the process stood still: every slot once is enough
    while (now_ < to) {
      now_++;
      // what is scheduled meanwhile lands in another slot
      for (uint32_t& head = heads_[now_ % SLOTS]; head != NONE;) {
        const uint32_t index = head;
        cancel(index);
        visit(index);
      }
    }
  }

  /** The next tick at which something is due; NEVER where nothing is. */
  Tick next_due() const {
    for (uint32_t ahead = 1; ahead <= SLOTS;) {
      const uint32_t slot = (now_ + ahead) % SLOTS;
      const uint64_t word = occupied_[slot / 64] >> (slot % 64);
      if (word != 0) return now_ + ahead + static_cast<uint32_t>(__builtin_ctzll(word));
      ahead += 64 - slot % 64;
    }
    return NEVER;
  }

 private:
  static constexpr uint32_t SLOTS = 2048;
  static_assert(SLOTS % 64 == 0, "one bit a slot");

  ConnectionTable& connections_;
  Tick now_ = 0;
  uint32_t heads_[SLOTS];
  uint64_t occupied_[SLOTS / 64] = {};
};

}  // namespace encke

#endif  // ENCKE_POOL_TIMING_WHEEL_H_
