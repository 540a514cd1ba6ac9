// Which streams a user has, and which users a stream has: one record per pair, in two linked lists. Owned by
// one pool. 20 bytes per pair; freed records are reused. An event walks a user's list, and a close walks the
// connection's.

#ifndef ENCKE_POOL_MEMBERSHIPS_H_
#define ENCKE_POOL_MEMBERSHIPS_H_

#include "memory.h"
#include "user_table.h"

namespace encke {

struct Membership {
  uint32_t connection;
  uint32_t user;
  uint32_t next_of_user;
  uint32_t previous_of_user;
  uint32_t next_of_connection;  // for a free record: the next free one
};

class Memberships {
 public:
  explicit Memberships(UserTable& users) : users_(users) {}

  const Membership& operator[](uint32_t index) const { return records_[index]; }
  /** Users with at least one open stream. */
  uint32_t users_online() const { return users_online_; }

  /**
   * Inserts a pair at the front of both lists. Returns false without memory, after which nothing has changed.
   */
  bool link(uint32_t connection, uint32_t* first_of_connection, uint32_t user) {
    uint32_t index = free_;
    if (index == NONE) {
      if (!records_.reserve(1)) return false;
      index = records_.size();
      records_.extend(1);
    } else {
      free_ = records_[index].next_of_connection;
    }
    const uint32_t first = users_.first_membership(user);
    if (first == NONE) {
      users_online_++;
    } else {
      records_[first].previous_of_user = index;
    }
    records_[index] = Membership{connection, user, first, NONE, *first_of_connection};
    users_.set_first_membership(user, index);
    *first_of_connection = index;
    return true;
  }

  /** Returns whether a connection's list names this user. */
  bool has(uint32_t first_of_connection, uint32_t user) const {
    for (uint32_t at = first_of_connection; at != NONE; at = records_[at].next_of_connection) {
      if (records_[at].user == user) return true;
    }
    return false;
  }

  /**
   * Removes a connection from its users' lists, so that events skip it. Its own list still names its users.
   */
  void unlink(uint32_t first_of_connection) {
    for (uint32_t at = first_of_connection; at != NONE; at = records_[at].next_of_connection) {
      const Membership& pair = records_[at];
      if (pair.next_of_user != NONE) records_[pair.next_of_user].previous_of_user = pair.previous_of_user;
      if (pair.previous_of_user != NONE) {
        records_[pair.previous_of_user].next_of_user = pair.next_of_user;
        continue;
      }
      if (pair.next_of_user == NONE) users_online_--;
      users_.set_first_membership(pair.user, pair.next_of_user);
    }
  }

  /** Frees the records of an unlinked connection. */
  void forget(uint32_t first_of_connection) {
    for (uint32_t at = first_of_connection; at != NONE;) {
      const uint32_t next = records_[at].next_of_connection;
      records_[at].next_of_connection = free_;
      free_ = at;
      at = next;
    }
  }

 private:
  UserTable& users_;
  List<Membership> records_;
  uint32_t free_ = NONE;
  uint32_t users_online_ = 0;
};

}  // namespace encke

#endif  // ENCKE_POOL_MEMBERSHIPS_H_
