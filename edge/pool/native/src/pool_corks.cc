// Streams that are corked: they are written to only by the edge, until it makes them ordinary ones. A write
// may end the stream, which frees the cork.

#include "pool.h"

namespace encke {

Cork* Pool::cork_of(uint32_t number) {
  const uint32_t found = corks_.find(number);
  return found == NONE ? nullptr : &corks_[found];
}

double Pool::write_corked(uint32_t number, View text, View cursor, uint32_t events) {
  Cork* cork = cork_of(number);
  if (cork == nullptr) return -1;
  cork->set_cursor(cursor);
  cork->messages += events;
  if (!write_text(cork->connection, &text, 1, cork->held_head())) return -1;
  cork->is_head_sent = true;
  cork->head.clear(0);
  counts_.delivered += events;
  keep_global_bound();
  return waiting_corked(number);
}

double Pool::waiting_corked(uint32_t number) {
  const Cork* cork = cork_of(number);
  if (cork == nullptr) return -1;
  const Output* output = connections_[cork->connection].output;
  return output == nullptr ? 0 : output->waiting();
}

void Pool::uncork(uint32_t number) {
  Cork* cork = cork_of(number);
  if (cork == nullptr) return;
  const uint32_t index = cork->connection;
  if (!write_text(index, nullptr, 0, cork->held_head())) return;
  Connection& connection = connections_[index];
  const uint32_t slot = connection.cork;
  connection.state = State::kOpen;
  if (formats_[connection.format].has_numbers) {
    connection.messages = cork->messages;
  } else {
    connection.position = cork->cursor_bytes == 0 ? positions_.newest() : positions_.find(cork->cursor());
  }
  corks_.remove(slot);
  keep_global_bound();
}

void Pool::end_corked(uint32_t number, CloseReason reason) {
  const Cork* cork = cork_of(number);
  if (cork != nullptr) finish(cork->connection, reason);
  keep_global_bound();
}

}  // namespace encke
