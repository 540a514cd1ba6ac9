// Growing lists of plain records without exceptions: a failed allocation is a return value and never aborts.
// Owned by the object that contains them; nothing here is shared between threads.

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
 * For tests: the number of allocations that succeed before all later ones fail; negative for no limit. One
 * per thread, because each worker thread has its own pools.
 */
inline thread_local int32_t allocations_left = -1;

/** `realloc` that tests can make fail. Returns null without memory, and leaves the old block unchanged. */
inline void* reallocate(void* old, size_t bytes) {
  if (allocations_left == 0) return nullptr;
  if (allocations_left > 0) allocations_left--;
  return realloc(old, bytes);
}

/** A growing array of trivially movable records. Elements keep their index, not their address. */
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

  /**
   * Ensures space for `more` additional elements. Grows by half, so that appending takes constant time on
   * average.
   */
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

  /** Appends elements; there must be space for them. */
  void append(const T* items, size_t count) {
    if (count > 0) memcpy(items_ + size_, items, count * sizeof(T));
    size_ += static_cast<uint32_t>(count);
  }

  /** Appends uninitialized elements; there must be space for them. @return the index of the first */
  T* extend(size_t count) {
    T* first = items_ + size_;
    size_ += static_cast<uint32_t>(count);
    return first;
  }

  /** Removes the elements from `size` on. */
  void truncate(uint32_t size) { size_ = size; }

  T pop() { return items_[--size_]; }

  /** Removes all elements. Keeps the memory for the next ones, unless it exceeds `keep` elements. */
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

/** Bytes that this view does not own. */
struct View {
  const char* data = nullptr;
  size_t length = 0;
};

}  // namespace encke

#endif  // ENCKE_POOL_MEMORY_H_
