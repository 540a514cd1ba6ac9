// Schedules the next visit to each connection. One wheel per pool: a list of connections for each of the next
// 2,048 ticks of 32 ms, linked through the connections themselves, so that a change takes two stores and no
// memory. A visit beyond the range of the wheel (65 s) happens at its end and is scheduled again. The wheel
// returns when the next visit is due, so that its owner's timer need not run while none is.

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

  /**
   * Returns a time in ticks, rounded up, at least one; at most two years, so that it can be added to the
   * present.
   */
  static Tick ticks_of(double ms) {
    constexpr Tick LONGEST = NEVER / 2;
    if (!(ms > TICK_MS)) return 1;
    if (ms >= double{LONGEST} * TICK_MS) return LONGEST;
    return static_cast<Tick>(ceil(ms / TICK_MS));
  }

  /** Schedules a visit at `due`, or as close to it as the wheel's range allows. */
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

  /**
   * Advances to `to` and calls `visit(index)` for each connection that is due. It may schedule and cancel any
   * visit.
   */
  template <typename Visit>
  void advance(Tick to, Visit visit) {
    if (to - now_ > SLOTS && to > now_)
      now_ = to - SLOTS;  // the process was suspended: visiting every slot once is enough
    while (now_ < to) {
      now_++;
      // visits that are scheduled meanwhile go to another slot
      for (uint32_t& head = heads_[now_ % SLOTS]; head != NONE;) {
        const uint32_t index = head;
        cancel(index);
        visit(index);
      }
    }
  }

  /** Returns the next tick at which a visit is due, or NEVER. */
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
