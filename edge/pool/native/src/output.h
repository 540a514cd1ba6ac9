// The bytes that wait for slow readers because the kernel did not take them. A reader that keeps up has none.
// Owned by one pool, which bounds the bytes per reader and in total; this class only stores and counts them.
// A buffer is at most twice the maximum that waited in it, and is freed when the reader has caught up.

#ifndef ENCKE_POOL_OUTPUT_H_
#define ENCKE_POOL_OUTPUT_H_

#include <sys/uio.h>

#include "connection.h"
#include "memory.h"

namespace encke {

struct Output {
  uint32_t begin;
  uint32_t end;
  uint32_t capacity;
  /** When the reader last took some of the waiting bytes. */
  Tick since;
  /** Its index in the list of slow readers. */
  uint32_t place;
  char data[1];

  uint32_t waiting() const { return end - begin; }
};

class Outputs {
 public:
  /** Total of the bytes that wait for all readers. */
  size_t bytes() const { return bytes_; }

  /**
   * Stores all of `pieces` except the first `skip` bytes. Returns false without memory; the connection must
   * be closed then.
   */
  bool append(uint32_t index, Connection& connection, const iovec* pieces, int count, size_t skip,
              size_t total, Tick now) {
    const size_t more = total - skip;
    if (!make_room(index, connection, more, now)) return false;
    Output* output = connection.output;
    for (int i = 0; i < count; i++) {
      const size_t length = pieces[i].iov_len;
      if (skip >= length) {
        skip -= length;
        continue;
      }
      memcpy(output->data + output->end, static_cast<const char*>(pieces[i].iov_base) + skip, length - skip);
      output->end += static_cast<uint32_t>(length - skip);
      skip = 0;
    }
    bytes_ += more;
    return true;
  }

  /** Notes that the reader took some bytes. */
  void consume(Connection& connection, size_t taken, Tick now) {
    connection.output->begin += static_cast<uint32_t>(taken);
    connection.output->since = now;
    bytes_ -= taken;
  }

  /** Frees a connection's waiting bytes, if any. */
  void forget(ConnectionTable& connections, Connection& connection) {
    Output* output = connection.output;
    if (output == nullptr) return;
    bytes_ -= output->waiting();
    const uint32_t last = slow_.pop();
    if (output->place < slow_.size()) {
      slow_[output->place] = last;
      connections[last].output->place = output->place;
    }
    free(output);
    connection.output = nullptr;
  }

  /** Returns the connection with the most waiting bytes, or NONE. O(slow readers). */
  uint32_t longest(ConnectionTable& connections) const {
    uint32_t found = NONE;
    uint32_t max = 0;
    for (uint32_t i = 0; i < slow_.size(); i++) {
      const uint32_t waiting = connections[slow_[i]].output->waiting();
      if (found != NONE && waiting <= max) continue;
      found = slow_[i];
      max = waiting;
    }
    return found;
  }

 private:
  static constexpr size_t MIN_CAPACITY = 512;

  bool make_room(uint32_t index, Connection& connection, size_t more, Tick now) {
    Output* old = connection.output;
    if (old != nullptr && old->end + more <= old->capacity) return true;
    const size_t waiting = old == nullptr ? 0 : old->waiting();
    if (old != nullptr && waiting + more <= old->capacity / 2) {
      memmove(old->data, old->data + old->begin, waiting);
      old->begin = 0;
      old->end = static_cast<uint32_t>(waiting);
      return true;
    }
    size_t capacity = MIN_CAPACITY;
    while (capacity < waiting + more) capacity *= 2;
    if (capacity > UINT32_MAX / 2 || !slow_.reserve(1)) return false;
    auto* output = static_cast<Output*>(reallocate(nullptr, sizeof(Output) + capacity));
    if (output == nullptr) return false;
    output->begin = 0;
    output->end = static_cast<uint32_t>(waiting);
    output->capacity = static_cast<uint32_t>(capacity);
    if (old != nullptr) {
      memcpy(output->data, old->data + old->begin, waiting);
      output->since = old->since;
      output->place = old->place;
      free(old);
    } else {
      output->since = now;
      output->place = slow_.size();
      slow_.push(index);
    }
    connection.output = output;
    return true;
  }

  /** The connections with waiting bytes, in no order. */
  List<uint32_t> slow_;
  size_t bytes_ = 0;
};

}  // namespace encke

#endif  // ENCKE_POOL_OUTPUT_H_
