// Handles the events of the loop: sockets that are ready, and the end of the environment. Reports to
// JavaScript which streams have ended, in batches, once per turn.

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <new>

#include "pool.h"

namespace encke {

namespace {

/** Input from a reader is read in pieces of this size, one per turn, and dropped. */
constexpr size_t SCRATCH_BYTES = 16'384;
/** Maximum number of ends per call, which bounds the number of handles in a scope. */
constexpr uint32_t BATCH = 1024;

}  // namespace

Pool* Pool::create(napi_env env, napi_value on_end, const Limits& limits, const CorkLimits& cork_limits) {
  void* memory = reallocate(nullptr, sizeof(Pool));
  if (memory == nullptr) {
    throw_error(env, "NO_MEMORY", "no memory for a pool");
    return nullptr;
  }
  auto* pool = new (memory) Pool(limits, cork_limits);
  if (!pool->start(env, on_end)) {
    throw_error(env, "POOL_FAILED", "the pool could not be made: are there descriptors left?");
    pool->end();
    return nullptr;
  }
  return pool;
}

bool Pool::start(napi_env env, napi_value on_end) {
  env_ = env;
  const auto begin_end = [](void* self) { static_cast<Pool*>(self)->end(); };
  const auto free_pool = [](void* self) {
    auto* pool = static_cast<Pool*>(self);
    pool->~Pool();
    free(pool);
  };
  if (!handles_.start(env, this, begin_end, free_pool)) return false;
  uv_timer_init(handles_.loop(), &timer_);
  handles_.add(&timer_, this);
  if (uv_async_init(handles_.loop(), &async_, on_async) != 0) {
    async_.loop = nullptr;  // there is no handle to close
    return false;
  }
  handles_.add(&async_, this);
  began_ms_ = uv_now(handles_.loop());
  const auto turn_end = [](void* self) { static_cast<Pool*>(self)->tell_ends(); };
  return epoll_.open(&handles_, this, on_event, turn_end) == 0 && on_end_.set(env, on_end, "encke.pool");
}

Format* Pool::add_format() { return format_count_ == MAX_FORMATS ? nullptr : &formats_[format_count_++]; }

void Pool::end() {
  if (ended_) return;
  ended_ = true;
  if (watcher_ != nullptr) *watcher_ = nullptr;
  for (uint32_t index = 0; index < connections_.size(); index++) {
    Connection& connection = connections_[index];
    if (connection.descriptor < 0 || connection.state == State::kFree) continue;
    close_descriptor(connection, false);
    free(connection.extra);
    connection.extra = nullptr;
  }
  on_end_.reset();
  epoll_.close();
  if (timer_.loop != nullptr) handles_.close(&timer_);
  if (async_.loop != nullptr) handles_.close(&async_);
  handles_.finish();
}

void Pool::on_event(void* self, uint64_t ticket, uint32_t events) {
  auto* pool = static_cast<Pool*>(self);
  pool->will_tell_ = true;  // at the end of this turn
  const auto index = static_cast<uint32_t>(ticket);
  if (index >= pool->connections_.size()) return;
  const Connection& connection = pool->connections_[index];
  // closed earlier in this turn, and possibly reused
  if (connection.generation != ticket >> 32 || connection.descriptor < 0) return;
  pool->on_readable(index, events);
}

void Pool::on_readable(uint32_t index, uint32_t events) {
  Connection& connection = connections_[index];
  const auto gone = [this, index, &connection](CloseReason reason) {
    if (connection.is_open()) {
      close(index, reason);
    } else {
      close_ended(index);
    }
  };
  if (events & EPOLLERR) return gone(CloseReason::kError);
  if (events & EPOLLIN) {
    char scratch[SCRATCH_BYTES];
    const ssize_t read = recv(connection.descriptor, scratch, sizeof scratch, MSG_DONTWAIT);
    if (read == 0) return gone(CloseReason::kPeer);
    if (read > 0) counts_.discarded += static_cast<uint64_t>(read);
    if (read < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
      return gone(CloseReason::kError);
  }
  if (events & (EPOLLHUP | EPOLLRDHUP)) return gone(CloseReason::kPeer);
  if (events & EPOLLOUT) flush(index);
}

/**
 * Adds a stream to the list of ends to report. Never fails, because the list is linked through the
 * connections.
 */
void Pool::note_end(uint32_t index) {
  connections_[index].next = NONE;
  if (last_to_tell_ == NONE) {
    first_to_tell_ = index;
  } else {
    connections_[last_to_tell_].next = index;
  }
  last_to_tell_ = index;
  // an end during a call from JavaScript is reported in the loop's next turn, never during that call
  if (will_tell_ || ended_) return;
  will_tell_ = true;
  uv_async_send(&async_);
}

void Pool::on_async(uv_async_t* async) { static_cast<Pool*>(async->data)->tell_ends(); }

void Pool::tell_ends() {
  will_tell_ = false;
  while (first_to_tell_ != NONE && !ended_) tell_batch();
}

/**
 * Calls `on_end(names, users of each, reason of each)` for up to BATCH streams, whose records are then free.
 */
void Pool::tell_batch() {
  napi_handle_scope scope = nullptr;
  if (napi_open_handle_scope(env_, &scope) != napi_ok) return;
  uint8_t users_of[BATCH], reasons[BATCH];
  uint32_t streams = 0, users = 0;
  napi_value names = nullptr;
  napi_create_array(env_, &names);
  while (first_to_tell_ != NONE && streams < BATCH) {
    const uint32_t index = first_to_tell_;
    Connection& connection = connections_[index];
    first_to_tell_ = connection.next;
    uint8_t count = 0;
    for (uint32_t at = connection.first_membership; at != NONE; at = memberships_[at].next_of_connection) {
      const View name = users_.name_of(memberships_[at].user);
      napi_set_element(env_, names, users++, to_string(env_, name.data, name.length));
      count++;
    }
    users_of[streams] = count;
    reasons[streams++] = static_cast<uint8_t>(connection.reason);
    memberships_.forget(connection.first_membership);
    connection.first_membership = NONE;
    connection.told = true;
    if (connection.state == State::kGone) connections_.give_back(index);
  }
  if (first_to_tell_ == NONE) last_to_tell_ = NONE;
  const napi_value values[] = {names, to_bytes(env_, users_of, streams), to_bytes(env_, reasons, streams)};
  on_end_.call(3, values);
  napi_close_handle_scope(env_, scope);
}

}  // namespace encke
