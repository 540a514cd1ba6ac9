// An epoll set under a single `uv_poll` handle, so that tens of thousands of descriptors cost the loop one
// handle. Owned by one native object on one loop. It does not keep the process alive. A turn handles at most
// ROUNDS × BATCH events, so that Node's other work gets its turn; the set is level-triggered, so the
// remaining events are reported again.

#ifndef ENCKE_EDGE_NATIVE_EPOLL_SET_H_
#define ENCKE_EDGE_NATIVE_EPOLL_SET_H_

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <uv.h>

#include "edge/native/loop_handles.h"

namespace encke {

class EpollSet {
 public:
  /**
   * `data` is the value that the descriptor was added with: a slot and its generation, which identifies stale
   * events.
   */
  using OnEvent = void (*)(void* owner, uint64_t data, uint32_t events);
  /** Called once after all events of a turn. */
  using OnTurnEnd = void (*)(void* owner);

  /** @return 0, or an errno (EMFILE, ENOMEM), after which there is nothing to close */
  int open(LoopHandles* handles, void* owner, OnEvent on_event, OnTurnEnd on_turn_end) {
    owner_ = owner;
    on_event_ = on_event;
    on_turn_end_ = on_turn_end;
    handles_ = handles;
    descriptor_ = epoll_create1(EPOLL_CLOEXEC);
    if (descriptor_ < 0) return errno;
    const int failed = uv_poll_init(handles->loop(), &poll_, descriptor_);
    if (failed != 0) {
      ::close(descriptor_);
      descriptor_ = -1;
      return -failed;
    }
    handles->add(&poll_, this);
    return -uv_poll_start(&poll_, UV_READABLE, turn);
  }

  /** @return 0 or an errno; after ENOSPC or ENOMEM, the caller must close the descriptor */
  int add(int descriptor, uint32_t events, uint64_t data) {
    return control(EPOLL_CTL_ADD, descriptor, events, data);
  }
  int change(int descriptor, uint32_t events, uint64_t data) {
    return control(EPOLL_CTL_MOD, descriptor, events, data);
  }

  /**
   * May be called from `on_event`: no further event is dispatched. The owners of the added descriptors must
   * close them.
   */
  void close() {
    if (descriptor_ < 0) return;
    uv_poll_stop(&poll_);
    handles_->close(&poll_);
    ::close(descriptor_);
    descriptor_ = -1;
  }

 private:
  static constexpr int BATCH = 512;
  static constexpr int ROUNDS = 4;

  static void turn(uv_poll_t* poll, int, int) {
    auto* set = static_cast<EpollSet*>(poll->data);
    epoll_event events[BATCH];
    for (int round = 0; round < ROUNDS; round++) {
      const int count = epoll_wait(set->descriptor_, events, BATCH, 0);
      if (count < 0 && errno == EINTR) continue;
      for (int i = 0; i < count; i++) {
        set->on_event_(set->owner_, events[i].data.u64, events[i].events);
        if (set->descriptor_ < 0) return;
      }
      if (count < BATCH) break;
    }
    set->on_turn_end_(set->owner_);
  }

  int control(int operation, int descriptor, uint32_t events, uint64_t data) {
    epoll_event event;
    memset(&event, 0, sizeof event);
    event.events = events;
    event.data.u64 = data;
    return epoll_ctl(descriptor_, operation, descriptor, &event) == 0 ? 0 : errno;
  }

  void* owner_ = nullptr;
  OnEvent on_event_ = nullptr;
  OnTurnEnd on_turn_end_ = nullptr;
  LoopHandles* handles_ = nullptr;
  uv_poll_t poll_;
  int descriptor_ = -1;
};

}  // namespace encke

#endif  // ENCKE_EDGE_NATIVE_EPOLL_SET_H_
