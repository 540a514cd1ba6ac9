// Maps users to small numbers: a name of 1 to 64 bytes has at most one handle, and a handle names at most one
// user. Owned by one pool. 24 bytes per user, including names of up to 18 bytes, and 4 bytes per slot of an
// open-addressing index that is at most 3/4 full. The handle that was released last is reused first. Memory
// is never freed, so a second wave of users needs no more.

#ifndef ENCKE_POOL_USER_TABLE_H_
#define ENCKE_POOL_USER_TABLE_H_

#include "hash.h"
#include "memory.h"

namespace encke {

class UserTable {
 public:
  static constexpr size_t MAX_NAME_BYTES = 64;

  ~UserTable() {
    for (uint32_t handle = 0; handle < users_.size(); handle++) free_name(users_[handle]);
  }

  /** Number of users with a handle. */
  uint32_t size() const { return size_; }
  /** One more than the highest handle so far. */
  uint32_t capacity() const { return users_.size(); }

  /** @return the name's handle, or NONE */
  uint32_t find(View name) const {
    if (index_.size() == 0) return NONE;
    for (uint32_t at = home(name);; at = next(at)) {
      const uint32_t handle = index_[at];
      if (handle == NONE) return NONE;
      if (is_named(users_[handle], name)) return handle;
    }
  }

  /**
   * @return the name's handle, which is new if it had none; NONE without memory, or for a name of invalid
   * length
   */
  uint32_t acquire(View name) {
    const uint32_t known = find(name);
    if (known != NONE) return known;
    if (name.length == 0 || name.length > MAX_NAME_BYTES || !make_room()) return NONE;
    uint32_t handle = free_;
    if (handle == NONE) {
      if (!users_.reserve(1)) return NONE;
      if (!set_name(users_.data()[users_.size()], name)) return NONE;
      handle = users_.size();
      users_.extend(1);
    } else {
      const uint32_t next_free = users_[handle].first_membership;
      if (!set_name(users_[handle], name)) return NONE;
      free_ = next_free;
    }
    users_[handle].first_membership = NONE;
    users_[handle].state = State::kNamed;
    enter(handle, name);
    size_++;
    return handle;
  }

  /** Returns the name of a handle; empty if it names no user. Valid until the next acquire. */
  View name_of(uint32_t handle) const {
    if (handle >= users_.size() || users_[handle].state == State::kFree) return View{};
    return View{characters(users_[handle]), users_[handle].length};
  }

  /** Releases a handle, which may then name another user. No stream of the user may be open. */
  void release(uint32_t handle) {
    if (handle >= users_.size() || users_[handle].state != State::kNamed) return;
    leave_index(handle);
    size_--;
    users_[handle].state = State::kReleased;
    if (users_[handle].first_membership == NONE) make_free(handle);
  }

  /** The head of the list of the user's memberships; NONE for a handle that was never assigned. */
  uint32_t first_membership(uint32_t handle) const {
    if (handle >= users_.size() || users_[handle].state == State::kFree) return NONE;
    return users_[handle].first_membership;
  }

  void set_first_membership(uint32_t handle, uint32_t membership) {
    User& user = users_[handle];
    user.first_membership = membership;
    if (membership == NONE && user.state == State::kReleased) make_free(handle);
  }

 private:
  enum class State : uint8_t {
    kFree,
    kNamed,
    kReleased /* not found any more, but its last streams are still open */
  };

  struct User {
    uint32_t first_membership;  // for a free handle: the next free one
    State state;
    uint8_t length;
    char name[18];  // for a longer name: a pointer to it
  };
  static_assert(sizeof(User) == 24, "users are counted in millions");

  static char* far_name(const User& user) {
    char* name;
    memcpy(&name, user.name, sizeof name);
    return name;
  }
  static const char* characters(const User& user) {
    return user.length <= sizeof user.name ? user.name : far_name(user);
  }
  static bool is_named(const User& user, View name) {
    return user.length == name.length && memcmp(characters(user), name.data, name.length) == 0;
  }
  static bool set_name(User& user, View name) {
    if (name.length > sizeof user.name) {
      char* far = static_cast<char*>(reallocate(nullptr, name.length));
      if (far == nullptr) return false;
      memcpy(far, name.data, name.length);
      memcpy(user.name, &far, sizeof far);
    } else {
      memcpy(user.name, name.data, name.length);
    }
    user.length = static_cast<uint8_t>(name.length);
    return true;
  }
  static void free_name(User& user) {
    if (user.state != State::kFree && user.length > sizeof user.name) free(far_name(user));
  }

  void make_free(uint32_t handle) {
    free_name(users_[handle]);
    users_[handle].state = State::kFree;
    users_[handle].first_membership = free_;
    free_ = handle;
  }

  uint32_t mask() const { return index_.size() - 1; }
  uint32_t next(uint32_t at) const { return (at + 1) & mask(); }
  uint32_t home(View name) const { return static_cast<uint32_t>(hash_.of(name.data, name.length)) & mask(); }

  void enter(uint32_t handle, View name) {
    uint32_t at = home(name);
    while (index_[at] != NONE) at = next(at);
    index_[at] = handle;
  }

  /**
   * Removes a handle from the index and moves up entries that would no longer be found, so that no tombstones
   * are needed.
   */
  void leave_index(uint32_t handle) {
    uint32_t hole = home(name_of(handle));
    while (index_[hole] != handle) hole = next(hole);
    for (uint32_t at = next(hole); index_[at] != NONE; at = next(at)) {
      const uint32_t from_home = (at - home(name_of(index_[at]))) & mask();
      if (from_home < ((at - hole) & mask())) continue;
      index_[hole] = index_[at];
      hole = at;
    }
    index_[hole] = NONE;
  }

  /** Keeps the index at most 3/4 full. */
  bool make_room() {
    if ((size_ + 1) * uint64_t{4} <= index_.size() * uint64_t{3}) return true;
    const uint32_t slots = index_.size() == 0 ? 64 : index_.size() * 2;
    if (!index_.reserve(slots - index_.size())) return false;
    index_.extend(slots - index_.size());
    for (uint32_t at = 0; at < slots; at++) index_[at] = NONE;
    for (uint32_t handle = 0; handle < users_.size(); handle++) {
      if (users_[handle].state == State::kNamed) enter(handle, name_of(handle));
    }
    return true;
  }

  Hash hash_;
  List<User> users_;
  List<uint32_t> index_;
  uint32_t free_ = NONE;
  uint32_t size_ = 0;
};

}  // namespace encke

#endif  // ENCKE_POOL_USER_TABLE_H_
