// Growing lists of plain records without exceptions: an allocation that fails is an answer, never an abort. Owned by
// whoever declares one; nothing here is shared between threads.

#ifndef ENCKE_POOL_MEMORY_H_
#define ENCKE_POOL_MEMORY_H_

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

namespace encke {

/** No index. */
constexpr uint32_t NONE = UINT32_MAX;

/**
 * Allocations that still succeed before one fails, for tests of what happens then; negative for no limit. One a
 * thread, because each worker thread has its own pools.
 */
inline thread_local int32_t allocations_left = -1;

/** `realloc` that tests can make fail. Null where there is no memory: the old block is untouched. */
inline void* reallocate(void* old, size_t bytes) {
  if (allocations_left == 0) return nullptr;
  if (allocations_left > 0) allocations_left--;
  return realloc(old, bytes);
}

/** A growing array of records that may be moved by bytes. Elements keep their index, not their address. */
template <typename T>
class List {
 public:
  List() = default;
  ~List() { free(items_); }
  List(const List&) = delete;
  List& operator=(const List&) = delete;

  uint32_t size() const { return size_; }
  uint32_t capacity() const { return capacity_; }
  T* data() { return items_; }
  const T* data() const { return items_; }
  T& operator[](uint32_t index) { return items_[index]; }
  const T& operator[](uint32_t index) const { return items_[index]; }

  /** Room for `more` elements beyond the present ones; grows by half, so that appending is cheap in the mean. */
  bool reserve(size_t more) {
    if (more > UINT32_MAX / 2 - size_) return false;
    const size_t needed = size_ + more;
    if (needed <= capacity_) return true;
    size_t wanted = capacity_ + capacity_ / 2;
    if (wanted < needed) wanted = needed < 16 ? 16 : needed;
    void* grown = reallocate(items_, wanted * sizeof(T));
    if (grown == nullptr) return false;
    items_ = static_cast<T*>(grown);
    capacity_ = static_cast<uint32_t>(wanted);
    return true;
  }

  bool push(const T& item) {
    if (!reserve(1)) return false;
    items_[size_++] = item;
    return true;
  }

  /** Appends elements; there must be room. */
  void append(const T* items, size_t count) {
    if (count > 0) memcpy(items_ + size_, items, count * sizeof(T));
    size_ += static_cast<uint32_t>(count);
  }

  /** Adds elements without a value; there must be room. @return the first */
  T* extend(size_t count) {
    T* first = items_ + size_;
    size_ += static_cast<uint32_t>(count);
    return first;
  }

  /** Forgets the elements from `size` on. */
  void truncate(uint32_t size) { size_ = size; }

  T pop() { return items_[--size_]; }

  /** Forgets the elements. The memory stays for the next ones, unless it is more than `keep` elements. */
  void clear(uint32_t keep = UINT32_MAX) {
    size_ = 0;
    if (capacity_ <= keep) return;
    free(items_);
    items_ = nullptr;
    capacity_ = 0;
  }

 private:
  T* items_ = nullptr;
  uint32_t size_ = 0;
  uint32_t capacity_ = 0;
};

/** Bytes that belong to somebody else. */
struct View {
  const char* data = nullptr;
  size_t length = 0;
};

}  // namespace encke

#endif  // ENCKE_POOL_MEMORY_H_
