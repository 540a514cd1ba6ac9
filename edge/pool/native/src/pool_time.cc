// Heartbeats and deadlines. Each connection is in the timing wheel once, at the earliest moment at which
// something may be due. A write does not move it: a visit that comes too early reschedules the next one. A
// single timer runs only when something is due, and does not keep the process alive.

#include <math.h>
#include <time.h>

#include "pool.h"

namespace encke {

namespace {

/** Milliseconds since 1970, only for the expiry of tokens, because this clock may be set at any time. */
int64_t wall_ms() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

/** Returns the milliseconds until a token expires by the wall clock; 0 or less once it has expired. */
int64_t ms_until(WallSecond end) { return int64_t{end} * 1000 - wall_ms(); }

/** The last part of a stream's quiet time, over which heartbeats are spread. */
constexpr Tick HEARTBEAT_SPREAD_PART = 8;

}  // namespace

Tick Pool::current_tick() const {
  return static_cast<Tick>((uv_now(handles_.loop()) - began_ms_) / TimingWheel::TICK_MS);
}

/**
 * Returns the second in which a moment has passed: NO_END if it is not representable, 0 (long ago) for NaN.
 */
WallSecond wall_second_of(double ms) {
  if (!(ms > 0)) return 0;
  const double second = ceil(ms / 1000);
  return second >= NO_END ? NO_END : static_cast<WallSecond>(second);
}

/** Visits a connection for which something may be due. */
void Pool::visit(uint32_t index) {
  Connection& connection = connections_[index];
  const Tick now = current_tick();
  if (connection.state == State::kEnding) {
    return now >= connection.ages ? close_ended(index) : look_by(index, connection.ages);
  }
  if (connection.output != nullptr && now - connection.output->since > limits_.stalled)
    return close(index, CloseReason::kStalled);
  // if the wall clock was set forward, this visit is the first to notice, at most one heartbeat later
  if (connection.expires != NO_END && ms_until(connection.expires) <= 0)
    return finish(index, CloseReason::kExpired);
  if (now >= connection.ages) return finish(index, CloseReason::kAged);
  if (connection.state == State::kCorked) {
    // as if a sign of life had been written, which is not allowed yet
    connection.last_write = now;
    if (connection.extra != nullptr && connection.extra->tick_every > 0)
      connection.extra->tick_due = now + connection.extra->tick_every;
    return look_by(index, next_look(connection));
  }
  if (connection.extra != nullptr && now >= connection.extra->tick_due && !write_tick(index)) return;
  if (now - connection.last_write >= least_quiet() && !write_heartbeat(index)) return;
  look_by(index, next_look(connection));
}

/**
 * Sends a heartbeat to a stream that was quiet, as late as the limit allows: the heartbeats of a million
 * streams are most of the work of an idle system.
 */
Tick Pool::least_quiet() const { return 2 * limits_.heartbeat - limits_.heartbeat / HEARTBEAT_SPREAD_PART; }

/** Once per interval, a quiet stream is sent its present cursor, unless a newer one was written to it. */
bool Pool::is_refresh_due(const Connection& connection) const {
  if (refresh_bytes_ == 0 || current_tick() / limits_.refresh == connection.last_write / limits_.refresh)
    return false;
  // in a format with numbers, `position` has another meaning and the refresh contains no cursor
  return formats_[connection.format].has_numbers ||
         static_cast<int32_t>(connection.position - refresh_position_) < 0;
}

bool Pool::write_heartbeat(uint32_t index) {
  const Format& format = formats_[connections_[index].format];
  View texts[MAX_WORDS];
  if (!is_refresh_due(connections_[index]))
    return write_text(index, texts, format.say(format.heartbeat, View{}, View{}, texts));
  note_position(index, refresh_position_);
  return write_text(index, texts,
                    format.say(format.refresh, View{}, View{refresh_text_, refresh_bytes_}, texts));
}

bool Pool::write_tick(uint32_t index) {
  Extra& extra = *connections_[index].extra;
  char digits[DECIMAL_BYTES];
  const char* number = write_decimal(digits + sizeof digits, ++extra.tick_count);
  extra.tick_due = current_tick() + extra.tick_every;
  const View count{number, static_cast<size_t>(digits + sizeof digits - number)};
  const View texts[] = {extra.tick_before(), count, extra.tick_after()};
  return write_text(index, texts, 3);
}

/**
 * Returns when something may be due next. Heartbeats are spread, so that streams opened together have theirs
 * at different times.
 */
Tick Pool::next_look(const Connection& connection) {
  Tick next =
      connection.last_write + least_quiet() + random_.below(limits_.heartbeat / HEARTBEAT_SPREAD_PART + 1);
  const auto by = [&next](Tick due) {
    if (due < next) next = due;
  };
  if (connection.expires != NO_END)
    by(current_tick() + TimingWheel::ticks_of(static_cast<double>(ms_until(connection.expires))));
  by(connection.ages);
  if (connection.output != nullptr) by(connection.output->since + limits_.stalled + 1);
  if (connection.extra != nullptr) by(connection.extra->tick_due);
  return next;
}

/** Ensures that the connection is visited by then. */
void Pool::look_by(uint32_t index, Tick due) {
  if (connections_[index].due > due) wheel_.schedule(index, due);
  set_timer();
}

/** Sets the timer to the first moment at which something is due, or stops it if nothing is. */
void Pool::set_timer() {
  if (ended_ || is_waking_) return;
  const Tick due = wheel_.next_due();
  if (due >= timer_due_) return;  // the timer fires early enough, and is set again if it fires too early
  timer_due_ = due;
  const uint64_t at_ms = began_ms_ + uint64_t{due} * TimingWheel::TICK_MS;
  const uint64_t now_ms = uv_now(handles_.loop());
  uv_timer_start(&timer_, on_timer, at_ms > now_ms ? at_ms - now_ms : 0, 0);
}

void Pool::on_timer(uv_timer_t* timer) {
  auto* pool = static_cast<Pool*>(timer->data);
  pool->is_waking_ = true;
  pool->will_tell_ = true;
  pool->wheel_.advance(pool->current_tick(), [pool](uint32_t index) { pool->visit(index); });
  pool->keep_global_bound();
  pool->is_waking_ = false;
  pool->timer_due_ = NEVER;
  pool->set_timer();
  pool->tell_ends();
}

}  // namespace encke
