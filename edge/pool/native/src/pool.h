// The native connection pool: it holds the sockets of open streams outside V8, as plain data in flat tables,
// and writes to them. Owned by one NativePool (edge/pool/native/native-pool.ts) on one loop; nothing here is
// shared between threads. Bounded by its limits and by the process's descriptors. It calls JavaScript only to
// report, in batches, which streams have ended.
//
//   pool_streams.cc   how a stream begins and ends
//   pool_writing.cc   sending, waiting bytes, events
//   pool_corks.cc     streams that are corked
//   pool_time.cc      heartbeats and deadlines
//   pool_loop.cc      events of the loop: readiness, timer, the end of the environment; reporting of ends

#ifndef ENCKE_POOL_POOL_H_
#define ENCKE_POOL_POOL_H_

#include <node_api.h>
#include <uv.h>

#include "connection.h"
#include "corks.h"
#include "edge/native/epoll_set.h"
#include "edge/native/loop_handles.h"
#include "edge/native/napi_helpers.h"
#include "extra.h"
#include "format.h"
#include "hash.h"
#include "memberships.h"
#include "output.h"
#include "packed_frame.h"
#include "positions.h"
#include "timing_wheel.h"
#include "user_table.h"

namespace encke {

/** Documented in edge/pool/pool.ts. Times are in ticks. */
struct Limits {
  uint32_t max_queue_bytes;
  uint64_t max_queued_bytes;
  Tick stalled;
  Tick heartbeat;
  Tick refresh;
  Tick end;
  Tick max_lifetime;  // 0 for unlimited
  uint32_t come_back_least_ms;
  uint32_t come_back_spread_ms;
};

struct Counts {
  uint64_t opened = 0;
  uint64_t delivered = 0;
  uint64_t chunks = 0;
  uint64_t bytes = 0;
  /** Bytes that readers sent after their request. */
  uint64_t discarded = 0;
  uint64_t closed[CLOSE_REASONS] = {};
};

/** Defined in pool_time.cc. */
WallSecond wall_second_of(double ms);

/** A stream that is to be held. */
struct StreamSpec {
  int descriptor;
  uint32_t format;
  Framing framing;
  View head;
  View opening;
  /** The last cursor in `opening`. */
  View cursor;
  /** Whether the stream begins corked, and the edge's number for it then. */
  bool is_corked;
  uint32_t cork;
  /** When its token expires, in milliseconds since 1970; infinite for never. */
  double expires_at_ms;
  /** Interval of the article's sign of life; 0 for none. */
  double tick_ms;
  View tick_before;
  View tick_after;
};

class Pool {
 public:
  /**
   * Returns null without memory or descriptors, with an exception pending. The pool ends by `end` or with the
   * environment.
   */
  static Pool* create(napi_env env, napi_value on_end, const Limits& limits, const CorkLimits& cork_limits);

  /**
   * Ends every stream at once without a goodbye, reports none, and frees the pool as soon as the loop allows
   * it.
   */
  void end();
  /** Set to null when the pool has ended. */
  void watch(Pool** watcher) { watcher_ = watcher; }

  Format* add_format();
  uint32_t formats() const { return format_count_; }

  // streams
  /**
   * Holds a duplicate of a connection's descriptor; the caller keeps its own. Writes head and opening at
   * once.
   * @return 0, or an errno, after which nothing is held
   */
  int open(const StreamSpec& spec, const View* users, uint32_t user_count);
  /** Ends every stream that is opened from now on. */
  void start_draining() { draining_ = true; }
  /** Ends up to this many streams with a goodbye. */
  void finish_some(uint32_t count, CloseReason reason);

  // writing
  /** Copies the event that `deliver` delivers. Returns false without memory. */
  bool set_event(View id, View json, View cursor);
  /** @return the number of streams that took it, or -1 if the user has no open stream */
  int64_t deliver(uint32_t user);
  /** @return the number of streams that took its events, or -1 if it is malformed */
  double deliver_frame(View frame, uint64_t stamp, View others);
  /** Writes a text that contains a cursor to every stream of a format that is not corked. */
  void broadcast(uint32_t format, View text, View cursor);
  /** Sets the cursor that quiet streams are sent in place of a heartbeat. */
  void refresh(View cursor);

  // corked streams, by the edge's number; -1 or null if there is none with this number
  /** Returns the cork, whose events the caller copies and then clears with `clear_buffered`. */
  Cork* cork_of(uint32_t number);
  void clear_buffered(Cork& cork) { corks_.clear(cork); }
  /** @return the number of bytes that wait for the reader */
  double write_corked(uint32_t number, View text, View cursor, uint32_t events);
  double waiting_corked(uint32_t number);
  void uncork(uint32_t number);
  void end_corked(uint32_t number, CloseReason reason);

  UserTable& users() { return users_; }
  uint32_t open_streams() const { return open_; }
  /** Streams that have ended and whose readers are reading the last bytes. */
  uint32_t ending_streams() const { return ending_; }
  uint32_t users_online() const { return memberships_.users_online(); }
  size_t queued_bytes() const { return outputs_.bytes(); }
  const Corks& corks() const { return corks_; }
  const Counts& counts() const { return counts_; }

 private:
  Pool(const Limits& limits, const CorkLimits& cork_limits) : limits_(limits), corks_(cork_limits) {}
  ~Pool() = default;
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // streams
  bool join_users(uint32_t index, const View* users, uint32_t count);
  void set_times(uint32_t index, double expires_at_ms);
  void finish(uint32_t index, CloseReason reason);
  void close(uint32_t index, CloseReason reason);
  void close_ended(uint32_t index);
  void leave_users(uint32_t index, CloseReason reason);
  void close_descriptor(Connection& connection, bool reset);
  void give_up(uint32_t index);

  // writing
  bool send(uint32_t index, const iovec* pieces, int count, size_t bytes);
  bool keep(uint32_t index, const iovec* pieces, int count, size_t sent, size_t bytes);
  void note_position(uint32_t index, uint32_t position);
  bool write_text(uint32_t index, const View* texts, uint32_t text_count, View before = View{},
                  View after = View{});
  bool hand(uint32_t index);
  uint32_t hand_to(uint32_t user);
  void flush(uint32_t index);
  void keep_global_bound();
  void begin_event(const Event& event);
  bool watch_writable(uint32_t index, bool writable);

  // time
  Tick current_tick() const;
  void visit(uint32_t index);
  Tick least_quiet() const;
  bool is_refresh_due(const Connection& connection) const;
  bool write_heartbeat(uint32_t index);
  bool write_tick(uint32_t index);
  Tick next_look(const Connection& connection);
  void look_by(uint32_t index, Tick due);
  void set_timer();

  // loop
  bool start(napi_env env, napi_value on_end);
  static void on_event(void* self, uint64_t ticket, uint32_t events);
  void on_readable(uint32_t index, uint32_t events);
  static void on_timer(uv_timer_t* timer);
  static void on_async(uv_async_t* async);
  void note_end(uint32_t index);
  void tell_ends();
  void tell_batch();

  napi_env env_ = nullptr;
  Pool** watcher_ = nullptr;
  const Limits limits_;
  Counts counts_;
  LoopHandles handles_;
  EpollSet epoll_;
  uv_timer_t timer_{};
  uv_async_t async_{};
  Callback on_end_;
  uint64_t began_ms_ = 0;
  /** When the timer fires; NEVER while it is stopped. */
  Tick timer_due_ = NEVER;

  ConnectionTable connections_;
  UserTable users_;
  Memberships memberships_{users_};
  Outputs outputs_;
  TimingWheel wheel_{connections_};
  Random random_;
  Hash hash_;

  Format formats_[MAX_FORMATS];
  uint32_t format_count_ = 0;
  /** The current event. Its bytes belong to the caller or are `event_bytes_`. */
  Event event_;
  uint64_t event_hash_ = 0;
  List<char> event_bytes_;
  uint32_t event_position_ = 0;
  Positions positions_;
  /** The cursor for quiet streams, and its number in `positions_`, which soon no longer keeps it. */
  char refresh_text_[MAX_CURSOR_BYTES];
  uint32_t refresh_bytes_ = 0;
  uint32_t refresh_position_ = 0;
  Corks corks_;

  uint32_t open_ = 0;
  uint32_t ending_ = 0;
  /** Ended streams that were not yet reported to JavaScript: a list linked through the connections. */
  uint32_t first_to_tell_ = NONE;
  uint32_t last_to_tell_ = NONE;
  /** Where `finish_some` continues. */
  uint32_t next_to_finish_ = 0;
  /** Whether ends will be reported in this turn of the loop or the next. */
  bool will_tell_ = false;
  bool is_waking_ = false;
  bool draining_ = false;
  bool ended_ = false;
};

}  // namespace encke

#endif  // ENCKE_POOL_POOL_H_
