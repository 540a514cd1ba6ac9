// Data that only few streams need, allocated only for those: the ids of the last events of a stream of
// several users (so that an event for two of them is written once), and the interval of the article's sign of
// life.

#ifndef ENCKE_POOL_EXTRA_H_
#define ENCKE_POOL_EXTRA_H_

#include <new>

#include "connection.h"
#include "memory.h"

namespace encke {

/**
 * The hashes of the last ids. All copies of one event arrive close together, so only few others come between
 * them.
 */
class RecentIds {
 public:
  /** Returns false if the id was present. */
  bool add(uint64_t id) {
    for (uint64_t kept : ids_) {
      if (kept == id) return false;
    }
    ids_[next_] = id;
    next_ = (next_ + 1) % KEPT;
    return true;
  }

 private:
  static constexpr uint32_t KEPT = 128;
  uint64_t ids_[KEPT] = {};
  uint32_t next_ = 0;
};

struct Extra {
  RecentIds recent;
  bool has_several_users = false;
  /** Interval of the sign of life in ticks, 0 for none. The count appears between the two texts. */
  Tick tick_every = 0;
  Tick tick_due = NEVER;
  uint32_t tick_count = 0;
  uint32_t tick_before_bytes = 0;
  uint32_t tick_after_bytes = 0;
  char tick_texts[1];  // both texts, one after the other

  View tick_before() const { return View{tick_texts, tick_before_bytes}; }
  View tick_after() const { return View{tick_texts + tick_before_bytes, tick_after_bytes}; }
};

/** Returns null without memory. Must be freed with `free`. */
inline Extra* make_extra(bool has_several_users, Tick tick_every, View before, View after) {
  void* memory = reallocate(nullptr, sizeof(Extra) + before.length + after.length);
  if (memory == nullptr) return nullptr;
  auto* extra = new (memory) Extra();
  extra->has_several_users = has_several_users;
  extra->tick_every = tick_every;
  extra->tick_before_bytes = static_cast<uint32_t>(before.length);
  extra->tick_after_bytes = static_cast<uint32_t>(after.length);
  if (before.length > 0) memcpy(extra->tick_texts, before.data, before.length);
  if (after.length > 0) memcpy(extra->tick_texts + before.length, after.data, after.length);
  return extra;
}

}  // namespace encke

#endif  // ENCKE_POOL_EXTRA_H_
