// How a stream begins and ends. The list of ends to report is linked through the connections' own records, so
// ending a stream never allocates and never fails.

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pool.h"

namespace encke {

namespace {

/** Silence after which the kernel probes whether the reader's machine is still reachable. */
constexpr int KEEP_ALIVE_S = 120;
/**
 * A lifetime differs from its limit by up to a fifth, so that streams opened together do not end together.
 */
constexpr uint32_t LIFETIME_JITTER_PART = 5;

void keep_alive(int descriptor) {
  // UNIX sockets support none of these options, and need none
  const int on = 1;
  setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, &KEEP_ALIVE_S, sizeof KEEP_ALIVE_S);
}

}  // namespace

int Pool::open(const StreamSpec& spec, const View* users, uint32_t user_count) {
  if (spec.format >= format_count_) return EINVAL;
  const int descriptor = fcntl(spec.descriptor, F_DUPFD_CLOEXEC, 3);
  if (descriptor < 0) return errno;
  const uint32_t index = connections_.take();
  if (index == NONE) {
    ::close(descriptor);
    return ENOMEM;
  }
  Connection* connection = &connections_[index];
  connection->descriptor = descriptor;
  connection->state = State::kOpen;
  connection->format = static_cast<uint8_t>(spec.format);
  connection->framing = spec.framing;
  int problem = 0;
  if (user_count > 1 || spec.tick_ms > 0) {
    const Tick every = spec.tick_ms > 0 ? TimingWheel::ticks_of(spec.tick_ms) : 0;
    connection->extra = make_extra(user_count > 1, every, spec.tick_before, spec.tick_after);
    if (connection->extra == nullptr) problem = ENOMEM;
  }
  if (problem == 0 && !join_users(index, users, user_count)) problem = ENOMEM;
  if (problem == 0 && spec.is_corked) {
    connection = &connections_[index];
    connection->cork = corks_.add(spec.cork, index, spec.head, spec.cursor);
    if (connection->cork == NONE) problem = ENOMEM;
    else connection->state = State::kCorked;
  }
  if (problem == 0) problem = epoll_.add(descriptor, EPOLLIN | EPOLLRDHUP, ticket_of(index, *connection));
  if (problem != 0) {
    give_up(index);
    return problem;
  }
  keep_alive(descriptor);
  open_++;
  counts_.opened++;
  set_times(index, spec.expires_at_ms);
  if (!spec.is_corked) {
    note_position(index, positions_.find(spec.cursor));
    write_text(index, &spec.opening, 1, spec.head);
  }
  if (draining_) finish(index, CloseReason::kDrain);
  keep_global_bound();
  return 0;
}

void Pool::finish_some(uint32_t count, CloseReason reason) {
  for (uint32_t looked = 0; looked < connections_.size() && count > 0; looked++) {
    if (next_to_finish_ >= connections_.size()) next_to_finish_ = 0;
    const uint32_t index = next_to_finish_++;
    if (!connections_[index].is_open()) continue;
    finish(index, reason);
    count--;
  }
  keep_global_bound();
}

bool Pool::join_users(uint32_t index, const View* users, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    const uint32_t user = users_.acquire(users[i]);
    if (user == NONE) return false;
    Connection& connection = connections_[index];
    if (memberships_.has(connection.first_membership, user)) continue;
    if (!memberships_.link(index, &connection.first_membership, user)) return false;
  }
  return true;
}

void Pool::set_times(uint32_t index, double expires_at_ms) {
  Connection& connection = connections_[index];
  const Tick now = current_tick();
  connection.last_write = now;
  connection.expires = wall_second_of(expires_at_ms);
  if (limits_.max_lifetime > 0) {
    const Tick jitter = limits_.max_lifetime / LIFETIME_JITTER_PART;
    connection.ages = now + limits_.max_lifetime - jitter + random_.below(2 * jitter + 1);
  }
  if (connection.extra != nullptr && connection.extra->tick_every > 0)
    connection.extra->tick_due = now + connection.extra->tick_every;
  look_by(index, next_look(connection));
}

/**
 * Ends a stream with a goodbye. It closes when the bytes are read and the reader has closed too, or after
 * `limits.end`.
 */
void Pool::finish(uint32_t index, CloseReason reason) {
  Connection& connection = connections_[index];
  const Format& format = formats_[connection.format];
  char digits[DECIMAL_BYTES];
  const uint32_t ms = limits_.come_back_least_ms + random_.below(limits_.come_back_spread_ms);
  const char* number = write_decimal(digits + sizeof digits, ms);
  const View come_back{number, static_cast<size_t>(digits + sizeof digits - number)};
  const Cork* cork = connection.state == State::kCorked ? &corks_[connection.cork] : nullptr;
  // in a format with numbers, `position` has another meaning and the goodbye contains no cursor
  const View cursor = cork != nullptr      ? cork->cursor()
                      : format.has_numbers ? View{}
                                           : positions_.cursor_of(connection.position);
  const Words* goodbyes = cursor.length > 0 ? format.goodbyes : format.bare_goodbyes;
  const Words& words = goodbyes[static_cast<uint32_t>(reason)];
  View texts[MAX_WORDS];
  const uint32_t count = format.say(words, come_back, cursor, texts);
  const View last = connection.framing == Framing::kChunked ? View{LAST_CHUNK, LAST_CHUNK_BYTES} : View{};
  // a failure frees the cork, whose bytes are not used after that
  if (!write_text(index, texts, count, cork == nullptr ? View{} : cork->held_head(), last)) return;
  leave_users(index, reason);
  connection.state = State::kEnding;
  ending_++;
  if (connection.output == nullptr) shutdown(connection.descriptor, SHUT_WR);
  wheel_.cancel(index);
  connection.ages = current_tick() + limits_.end;
  look_by(index, connection.ages);
  note_end(index);
}

/** Ends an open stream at once. */
void Pool::close(uint32_t index, CloseReason reason) {
  Connection& connection = connections_[index];
  leave_users(index, reason);
  close_descriptor(connection, is_reset(reason));
  wheel_.cancel(index);
  connection.state = State::kGone;
  note_end(index);
}

/** Closes a stream after its goodbye. */
void Pool::close_ended(uint32_t index) {
  Connection& connection = connections_[index];
  close_descriptor(connection, connection.output != nullptr);
  wheel_.cancel(index);
  connection.state = State::kGone;
  ending_--;
  if (connection.told) connections_.give_back(index);
}

void Pool::leave_users(uint32_t index, CloseReason reason) {
  Connection& connection = connections_[index];
  memberships_.unlink(connection.first_membership);
  free(connection.extra);
  connection.extra = nullptr;
  if (connection.state == State::kCorked) corks_.remove(connection.cork);
  connection.reason = reason;
  counts_.closed[static_cast<uint32_t>(reason)]++;
  open_--;
}

/**
 * With `reset`, the kernel drops the bytes that the reader has not taken, instead of retransmitting them for
 * minutes.
 */
void Pool::close_descriptor(Connection& connection, bool reset) {
  if (reset) {
    const linger now{1, 0};
    setsockopt(connection.descriptor, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  outputs_.forget(connections_, connection);
  ::close(connection.descriptor);  // the only remaining descriptor, so epoll removes it too
  connection.descriptor = -1;
}

/** Undoes an `open` that failed, without a report. The descriptor is not in the epoll set yet. */
void Pool::give_up(uint32_t index) {
  Connection& connection = connections_[index];
  memberships_.unlink(connection.first_membership);
  memberships_.forget(connection.first_membership);
  free(connection.extra);
  if (connection.state == State::kCorked) corks_.remove(connection.cork);
  ::close(connection.descriptor);
  connections_.give_back(index);
}

}  // namespace encke
