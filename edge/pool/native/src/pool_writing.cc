// Sending, and what happens if a reader does not take the bytes: the rest waits in memory up to a bound, and
// then the reader is cut. A write may therefore end the connection that it is for, and no other. Connections
// that exceed the bound for all readers are ended in `keep_global_bound`, when no list is being walked.

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <initializer_list>

#include "pool.h"

namespace encke {

bool Pool::set_event(View id, View json, View cursor) {
  event_bytes_.clear(262'144);
  if (!event_bytes_.reserve(id.length + json.length)) {
    event_ = Event{};
    return false;
  }
  const auto copy = [this](View view) {
    char* start = event_bytes_.extend(view.length);
    if (view.length > 0) memcpy(start, view.data, view.length);
    return View{start, view.length};
  };
  const View id_copy = copy(id), json_copy = copy(json);
  positions_.note(cursor);
  begin_event(Event{id_copy, json_copy, positions_.newest_cursor()});
  return true;
}

int64_t Pool::deliver(uint32_t user) {
  if (users_.first_membership(user) == NONE) return -1;
  const uint32_t delivered = hand_to(user);
  keep_global_bound();
  return delivered;
}

double Pool::deliver_frame(View bytes, uint64_t stamp, View others) {
  uint64_t delivered = 0;
  PackedFrame frame(bytes);
  PackedRecord record;
  for (; frame.next(&record); stamp++) {
    const View cursor = positions_.begin(stamp, others, record.id);
    begin_event(Event{record.id, record.json, cursor});
    for (uint32_t i = 0; i < record.recipients; i++) {
      delivered += hand_to(record.handle_at(i));
      keep_global_bound();
    }
  }
  event_ = Event{};  // its bytes belonged to the caller
  return frame.is_well_formed() ? static_cast<double>(delivered) : -1;
}

void Pool::broadcast(uint32_t format, View text, View cursor) {
  const uint32_t position = positions_.note(cursor);
  for (uint32_t index = 0; index < connections_.size(); index++) {
    if (connections_[index].state != State::kOpen || connections_[index].format != format) continue;
    note_position(index, position);
    write_text(index, &text, 1);
    keep_global_bound();
  }
}

void Pool::refresh(View cursor) {
  if (cursor.length == 0) return;
  memcpy(refresh_text_, cursor.data, cursor.length);
  refresh_bytes_ = static_cast<uint32_t>(cursor.length);
  refresh_position_ = positions_.note(cursor);
}

void Pool::begin_event(const Event& event) {
  event_ = event;
  event_position_ = positions_.newest();
  event_hash_ = hash_.of(event.id.data, event.id.length) | 1;  // 0 means no event
  corks_.begin_event();
  for (uint32_t i = 0; i < format_count_; i++) formats_[i].rendering.begin();
}

/** Writes the current event to every stream of a user, or buffers it. */
uint32_t Pool::hand_to(uint32_t user) {
  uint32_t delivered = 0;
  for (uint32_t at = users_.first_membership(user); at != NONE;) {
    const Membership pair = memberships_[at];
    at = pair.next_of_user;  // a failed write ends this connection, and thus frees this pair
    if (hand(pair.connection)) delivered++;
  }
  return delivered;
}

bool Pool::hand(uint32_t index) {
  Connection& connection = connections_[index];
  Format& format = formats_[connection.format];
  Rendering& rendering = format.rendering;
  const bool has_event = event_.json.data != nullptr;
  const bool is_for_several = connection.extra != nullptr && connection.extra->has_several_users;
  if (has_event && is_for_several && !connection.extra->recent.add(event_hash_)) return false;
  if (connection.state == State::kCorked) return corks_.buffer(corks_[connection.cork], event_);
  if (!has_event || !(rendering.is_ready() || rendering.build(format.event, format.texts, event_))) {
    // without memory, ending the stream is better than omitting a message
    close(index, CloseReason::kRefused);
    return false;
  }
  if (rendering.has_numbers()) {
    connection.messages++;
  } else {
    connection.position = event_position_;
  }
  Pieces pieces;
  rendering.pieces(connection.messages, connection.framing, &pieces);
  if (pieces.count == 0) return counts_.delivered++, true;
  if (!send(index, pieces.list, pieces.count, pieces.bytes)) return false;
  counts_.delivered++;
  counts_.chunks++;
  counts_.bytes += pieces.bytes;
  return true;
}

/** Notes that this cursor was written to the stream, or is about to be. */
void Pool::note_position(uint32_t index, uint32_t position) {
  Connection& connection = connections_[index];
  if (!formats_[connection.format].has_numbers) connection.position = position;
}

/**
 * Writes up to MAX_WORDS texts as one chunk, with `before` and `after` around it unchanged. Returns false if
 * the connection has ended.
 */
bool Pool::write_text(uint32_t index, const View* texts, uint32_t text_count, View before, View after) {
  const bool is_chunked = connections_[index].framing == Framing::kChunked;
  char head[CHUNK_HEAD_BYTES];
  size_t length = 0;
  for (uint32_t i = 0; i < text_count; i++) length += texts[i].length;
  iovec pieces[MAX_WORDS + 4];
  int count = 0;
  size_t bytes = 0;
  const auto add = [&](const char* data, size_t size) {
    if (size == 0) return;
    pieces[count++] = iovec{const_cast<char*>(data), size};
    bytes += size;
  };
  add(before.data, before.length);
  if (length > 0) {
    const char* start = write_chunk_head(head + sizeof head, length);
    if (is_chunked) add(start, static_cast<size_t>(head + sizeof head - start));
    for (uint32_t i = 0; i < text_count; i++) add(texts[i].data, texts[i].length);
    if (is_chunked) add(CRLF, 2);
  }
  add(after.data, after.length);
  if (bytes == 0) return true;
  if (!send(index, pieces, count, bytes)) return false;
  counts_.chunks++;
  counts_.bytes += bytes;
  return true;
}

/** Sends what the kernel takes and stores the rest. Returns false if the connection has ended. */
bool Pool::send(uint32_t index, const iovec* pieces, int count, size_t bytes) {
  Connection& connection = connections_[index];
  connection.last_write = current_tick();
  if (connection.output != nullptr) return keep(index, pieces, count, 0, bytes);
  ssize_t sent;
  do {
    if (count == 1) {
      sent = ::send(connection.descriptor, pieces->iov_base, bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
    } else {
      msghdr message{};
      message.msg_iov = const_cast<iovec*>(pieces);
      message.msg_iovlen = static_cast<size_t>(count);
      sent = sendmsg(connection.descriptor, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) {
    if (errno != EAGAIN && errno != EWOULDBLOCK) return close(index, CloseReason::kError), false;
    sent = 0;
  }
  if (static_cast<size_t>(sent) == bytes) return true;
  return keep(index, pieces, count, static_cast<size_t>(sent), bytes);
}

bool Pool::keep(uint32_t index, const iovec* pieces, int count, size_t sent, size_t bytes) {
  Connection& connection = connections_[index];
  const bool is_first = connection.output == nullptr;
  const size_t waiting = (is_first ? 0 : connection.output->waiting()) + bytes - sent;
  if (waiting > limits_.max_queue_bytes) return close(index, CloseReason::kSlow), false;
  if (!outputs_.append(index, connection, pieces, count, sent, bytes, current_tick()))
    return close(index, CloseReason::kRefused), false;
  if (!is_first) return true;
  if (!watch_writable(index, true)) return close(index, CloseReason::kError), false;
  look_by(index, current_tick() + limits_.stalled + 1);
  return true;
}

/** Called when the kernel takes bytes again. */
void Pool::flush(uint32_t index) {
  Connection& connection = connections_[index];
  while (connection.output != nullptr && connection.output->waiting() > 0) {
    Output* output = connection.output;
    const ssize_t sent = ::send(connection.descriptor, output->data + output->begin, output->waiting(),
                                MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0) {
      outputs_.consume(connection, static_cast<size_t>(sent), current_tick());
      continue;
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return;
    if (connection.is_open()) return close(index, CloseReason::kError);
    return close_ended(index);
  }
  outputs_.forget(connections_, connection);
  if (connection.state == State::kEnding) shutdown(connection.descriptor, SHUT_WR);
  // if this fails, the next turn calls this function again, which then finds nothing to do
  watch_writable(index, false);
}

/** Cuts the readers with the most waiting bytes until the total is within its bound. */
void Pool::keep_global_bound() {
  while (outputs_.bytes() > limits_.max_queued_bytes) {
    const uint32_t longest = outputs_.longest(connections_);
    if (longest == NONE) return;
    if (connections_[longest].is_open()) {
      close(longest, CloseReason::kOverload);
    } else {
      close_ended(longest);
    }
  }
}

bool Pool::watch_writable(uint32_t index, bool writable) {
  const Connection& connection = connections_[index];
  const uint32_t events = EPOLLIN | EPOLLRDHUP | (writable ? static_cast<uint32_t>(EPOLLOUT) : 0);
  return epoll_.change(connection.descriptor, events, ticket_of(index, connection)) == 0;
}

}  // namespace encke
