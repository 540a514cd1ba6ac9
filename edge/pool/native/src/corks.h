// Streams that are corked (edge/pool/pool.ts explains why): the response's head that was not sent yet, the
// last cursor that was written, and the events that wait for the seam. Owned by one pool. A corked
// connection's record has the index of its cork, and the edge's number finds it in a chained hash table. An
// event is stored once, however many streams wait for it. Bounded by its limits; the memory of a cork is
// freed with it, and that of the tables with the last one.

#ifndef ENCKE_POOL_CORKS_H_
#define ENCKE_POOL_CORKS_H_

#include <initializer_list>
#include <new>

#include "memory.h"
#include "positions.h"
#include "rendering.h"

namespace encke {

/** Documented as CORK_LIMITS in edge/pool/pool.ts. */
struct CorkLimits {
  uint32_t events;
  uint32_t bytes;
  uint64_t total_bytes;
};

/** An event that is buffered for `references` streams: its id, JSON and cursor, one after the other. */
struct KeptEvent {
  uint32_t references;
  uint32_t id_bytes;
  uint32_t json_bytes;
  uint32_t cursor_bytes;
  char data[1];

  uint32_t bytes() const { return id_bytes + json_bytes + cursor_bytes; }
  View id() const { return View{data, id_bytes}; }
  View json() const { return View{data + id_bytes, json_bytes}; }
  View cursor() const { return View{data + id_bytes + json_bytes, cursor_bytes}; }
};

struct Cork {
  uint32_t number;
  uint32_t connection;
  /** The next cork in the same chain, by its index. */
  uint32_t next;
  /** Number of events that were written to the stream. */
  uint32_t messages = 0;
  /** Bytes of `events`. */
  uint32_t bytes = 0;
  bool overflowed = false;
  bool is_head_sent = false;
  uint32_t cursor_bytes = 0;
  char cursor_text[MAX_CURSOR_BYTES];
  List<char> head;
  List<KeptEvent*> events;

  View cursor() const { return View{cursor_text, cursor_bytes}; }
  void set_cursor(View cursor) {
    if (cursor.length > 0) memcpy(cursor_text, cursor.data, cursor.length);
    cursor_bytes = static_cast<uint32_t>(cursor.length);
  }
  /** What must be written first. */
  View held_head() const { return is_head_sent ? View{} : View{head.data(), head.size()}; }
};

class Corks {
 public:
  explicit Corks(const CorkLimits& limits) : limits_(limits) {}
  ~Corks() {
    for (uint32_t index = 0; index < corks_.size(); index++) {
      if (corks_[index] != nullptr) destroy(corks_[index]);
    }
  }

  uint32_t size() const { return size_; }
  /** Bytes of all buffered events. */
  uint64_t bytes() const { return bytes_; }
  /** Buffers that were discarded because they were full. */
  uint64_t overflows() const { return overflows_; }

  Cork& operator[](uint32_t index) { return *corks_[index]; }

  /** Returns the index of a cork, or NONE. */
  uint32_t find(uint32_t number) const {
    if (buckets_.size() == 0) return NONE;
    for (uint32_t at = buckets_[bucket_of(number)]; at != NONE; at = corks_[at]->next) {
      if (corks_[at]->number == number) return at;
    }
    return NONE;
  }

  /** Returns the index of a new cork; NONE without memory, or if there is one with this number. */
  uint32_t add(uint32_t number, uint32_t connection, View head, View cursor) {
    if (find(number) != NONE || !make_room()) return NONE;
    void* memory = reallocate(nullptr, sizeof(Cork));
    if (memory == nullptr) return NONE;
    auto* cork = new (memory) Cork();
    if (!cork->head.reserve(head.length)) return destroy(cork), NONE;
    cork->head.append(head.data, head.length);
    cork->set_cursor(cursor);
    cork->number = number;
    cork->connection = connection;
    uint32_t index = 0;
    if (free_.size() > 0) {
      index = free_.pop();
    } else {
      index = corks_.size();
      corks_.extend(1);
    }
    corks_[index] = cork;
    link(index);
    size_++;
    return index;
  }

  void remove(uint32_t index) {
    uint32_t* link = &buckets_[bucket_of(corks_[index]->number)];
    while (*link != index) link = &corks_[*link]->next;
    *link = corks_[index]->next;
    clear(*corks_[index]);
    destroy(corks_[index]);
    corks_[index] = nullptr;
    free_.push(index);  // there is space for every index
    if (--size_ > 0) return;
    corks_.clear(KEPT);
    free_.clear(KEPT);
    buckets_.clear(0);
  }

  /** Must be called before another event is buffered. */
  void begin_event() { current_ = nullptr; }

  /**
   * Buffers the current event, which has no JSON if there was no memory for it. Returns false if the event
   * was discarded, and with it everything else in the buffer.
   */
  bool buffer(Cork& cork, const Event& event) {
    if (cork.overflowed) return false;
    if (event.json.data != nullptr && append(cork, event)) return true;
    clear(cork);
    cork.overflowed = true;
    overflows_++;
    return false;
  }

  /** Discards what a cork has buffered, and lets it begin again. */
  void clear(Cork& cork) {
    for (uint32_t i = 0; i < cork.events.size(); i++) release(cork.events[i]);
    cork.events.clear(0);
    cork.bytes = 0;
    cork.overflowed = false;
  }

 private:
  /** Capacity of the tables that remains when there is no cork. */
  static constexpr uint32_t KEPT = 64;

  static void destroy(Cork* cork) {
    for (uint32_t i = 0; i < cork->events.size(); i++) {
      if (--cork->events[i]->references == 0) free(cork->events[i]);
    }
    cork->~Cork();
    free(cork);
  }

  /** The edge numbers corks one after the other, so the number itself spreads them. */
  uint32_t bucket_of(uint32_t number) const { return number & (buckets_.size() - 1); }

  void link(uint32_t index) {
    uint32_t& head = buckets_[bucket_of(corks_[index]->number)];
    corks_[index]->next = head;
    head = index;
  }

  /** Ensures space for another cork, and at least as many chains as corks. */
  bool make_room() {
    if (!corks_.reserve(1) || !free_.reserve(corks_.size() + 1 - free_.size())) return false;
    if (size_ < buckets_.size()) return true;
    const uint32_t count = buckets_.size() == 0 ? KEPT : buckets_.size() * 2;
    if (!buckets_.reserve(count - buckets_.size())) return false;
    buckets_.extend(count - buckets_.size());
    for (uint32_t i = 0; i < count; i++) buckets_[i] = NONE;
    for (uint32_t index = 0; index < corks_.size(); index++) {
      if (corks_[index] != nullptr) link(index);
    }
    return true;
  }

  bool append(Cork& cork, const Event& event) {
    const uint64_t more = event.id.length + event.json.length + event.cursor.length;
    if (cork.events.size() >= limits_.events || cork.bytes + more > limits_.bytes) return false;
    if (!cork.events.reserve(1)) return false;
    if (current_ == nullptr && !keep(event, more)) return false;
    current_->references++;
    cork.events.push(current_);
    cork.bytes += static_cast<uint32_t>(more);
    return true;
  }

  bool keep(const Event& event, uint64_t bytes) {
    if (bytes_ + bytes > limits_.total_bytes) return false;
    auto* kept = static_cast<KeptEvent*>(reallocate(nullptr, sizeof(KeptEvent) + bytes));
    if (kept == nullptr) return false;
    *kept = KeptEvent{0,
                      static_cast<uint32_t>(event.id.length),
                      static_cast<uint32_t>(event.json.length),
                      static_cast<uint32_t>(event.cursor.length),
                      {}};
    char* at = kept->data;
    for (const View& part : {event.id, event.json, event.cursor}) {
      if (part.length > 0) memcpy(at, part.data, part.length);
      at += part.length;
    }
    bytes_ += bytes;
    current_ = kept;
    return true;
  }

  void release(KeptEvent* event) {
    if (--event->references > 0) return;
    bytes_ -= event->bytes();
    if (event == current_) current_ = nullptr;
    free(event);
  }

  const CorkLimits limits_;
  List<Cork*> corks_;
  List<uint32_t> free_;
  /** The first cork of each chain; their number is a power of two. */
  List<uint32_t> buckets_;
  uint32_t size_ = 0;
  uint64_t bytes_ = 0;
  uint64_t overflows_ = 0;
  /** The current event, if a stream has it in its buffer. */
  KeptEvent* current_ = nullptr;
};

}  // namespace encke

#endif  // ENCKE_POOL_CORKS_H_
