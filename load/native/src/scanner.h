// Finds in a stream's text what messages contain about themselves (run, author, number and time of sending),
// and resync lines. All formats contain an event's payload as it was published, so one search for a few keys
// serves all formats. A message may be split anywhere, because the state of the search is in the stream's
// row. One Aho–Corasick automaton (1975) of a few KB is shared by all streams.

#ifndef ENCKE_LOAD_NATIVE_SCANNER_H_
#define ENCKE_LOAD_NATIVE_SCANNER_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "load/native/src/digest.h"
#include "load/native/src/latencies.h"
#include "load/native/src/stream.h"

namespace encke {

class Scanner {
 public:
  /** States are numbered in one byte; the patterns other than the run need about 110. */
  static constexpr size_t MAX_RUN_CHARS = 64;

  uint64_t messages = 0;
  uint64_t resyncs = 0;
  Latencies latencies;

  /**
   * @param run the run whose messages are counted; with "" the latency of every message is recorded and none
   * is counted
   */
  explicit Scanner(const std::string& run) : any_run_(run.empty()) {
    nodes_.emplace_back();
    if (!any_run_) add_pattern("\"run\":\"" + run + "\"", Action::RUN);
    add_pattern("\"from\":\"", Action::FROM);
    add_pattern("\"seq\":", Action::SEQ);
    add_pattern("\"sentUs\":", Action::SENT_US);
    add_pattern("{\"resync\":{", Action::RESYNC);
    add_pattern("event: resync\n", Action::RESYNC);
    add_pattern("Some messages may be missing (", Action::RESYNC);
    add_pattern("\n", Action::LINE_END);
    connect();
  }

  void read(Stream& stream, const uint8_t* bytes, size_t size, uint64_t now_us) {
    for (size_t at = 0; at < size; at += 1) {
      if (stream.field == Field::TEXT || !read_field(stream, bytes[at])) read_text(stream, bytes[at], now_us);
    }
  }

 private:
  enum class Action : uint8_t { NONE, RUN, FROM, SEQ, SENT_US, RESYNC, LINE_END };
  enum Seen : uint8_t { SEEN_RUN = 1, SEEN_FROM = 2, SEEN_SEQ = 4, SEEN_SENT_US = 8 };

  struct Node {
    std::array<uint8_t, 256> next{};
    uint8_t fallback = 0;
    Action action = Action::NONE;
  };

  /** Consumes one byte of a value; returns false for the first byte after it. */
  bool read_field(Stream& stream, uint8_t byte) {
    const bool is_digit = byte >= '0' && byte <= '9';
    switch (stream.field) {
      case Field::FROM:
        if (byte == '"' || byte == '\n') break;
        add_to_from(stream, byte);
        return true;
      case Field::SEQ:
        if (!is_digit) break;
        stream.seq = stream.seq * 10 + (byte - '0');
        return true;
      case Field::SENT_US:
        if (!is_digit) break;
        stream.sent_us = stream.sent_us * 10 + (byte - '0');
        return true;
      case Field::TEXT:
        break;
    }
    stream.field = Field::TEXT;
    return false;
  }

  void read_text(Stream& stream, uint8_t byte, uint64_t now_us) {
    stream.state = nodes_[stream.state].next[byte];
    switch (nodes_[stream.state].action) {
      case Action::NONE:
        return;
      case Action::RUN:
        stream.seen |= SEEN_RUN;
        return;
      case Action::FROM:
        stream.seen |= SEEN_FROM;
        stream.field = Field::FROM;
        begin_from(stream);
        return;
      case Action::SEQ:
        stream.seen |= SEEN_SEQ;
        stream.field = Field::SEQ;
        stream.seq = 0;
        return;
      case Action::SENT_US:
        stream.seen |= SEEN_SENT_US;
        stream.field = Field::SENT_US;
        stream.sent_us = 0;
        return;
      case Action::RESYNC:
        resyncs += 1;
        if (byte != '\n') return;
        break;
      case Action::LINE_END:
        break;
    }
    end_line(stream, now_us);
  }

  void end_line(Stream& stream, uint64_t now_us) {
    const uint8_t seen = stream.seen;
    stream.seen = 0;
    const bool counts = any_run_ || (seen & SEEN_RUN) != 0;
    if (counts && (seen & SEEN_SENT_US) != 0) latencies.note(now_us, stream.sent_us);
    constexpr uint8_t WHOLE = SEEN_RUN | SEEN_FROM | SEEN_SEQ;
    if ((seen & WHOLE) != WHOLE) return;
    add_message(stream);
    messages += 1;
  }

  void add_pattern(std::string_view pattern, Action action) {
    size_t node = 0;
    for (const char character : pattern) {
      const auto byte = static_cast<uint8_t>(character);
      if (nodes_[node].next[byte] == 0) {
        nodes_[node].next[byte] = static_cast<uint8_t>(nodes_.size());
        nodes_.emplace_back();
      }
      node = nodes_[node].next[byte];
    }
    nodes_[node].action = action;
  }

  /**
   * Computes, breadth first, the state to continue with if no pattern matches: that of the longest other
   * pattern in progress.
   */
  void connect() {
    std::vector<uint8_t> queue;
    for (const uint8_t child : nodes_[0].next)
      if (child != 0) queue.push_back(child);
    for (size_t at = 0; at < queue.size(); at += 1) {
      Node& node = nodes_[queue[at]];
      const Node& fallback = nodes_[node.fallback];
      if (node.action == Action::NONE) node.action = fallback.action;
      for (size_t byte = 0; byte < node.next.size(); byte += 1) {
        const uint8_t child = node.next[byte];
        if (child == 0) {
          node.next[byte] = fallback.next[byte];
        } else {
          nodes_[child].fallback = fallback.next[byte];
          queue.push_back(child);
        }
      }
    }
  }

  const bool any_run_;
  std::vector<Node> nodes_;
};

}  // namespace encke

#endif  // ENCKE_LOAD_NATIVE_SCANNER_H_
