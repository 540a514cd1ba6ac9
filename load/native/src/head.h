// Parses the head of a response: the status, whether chunks follow, and the delay requested by a refusal. It
// parses only complete heads; the caller buffers incomplete ones.

#ifndef ENCKE_LOAD_NATIVE_HEAD_H_
#define ENCKE_LOAD_NATIVE_HEAD_H_

#include <strings.h>

#include <cstdint>
#include <cstring>
#include <string_view>

namespace encke {

/** Maximum length of a head. Our servers send shorter ones. */
constexpr size_t MAX_HEAD_BYTES = 16 * 1024;

struct Head {
  /** 0 if it is not an HTTP response. */
  int status = 0;
  bool chunked = false;
  /** Retry-After in seconds; 0 if it is absent or a date. */
  int retry_after_seconds = 0;
  /** Bytes of the head including the empty line; 0 while it is incomplete. */
  size_t bytes = 0;
};

inline std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

inline bool is_same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

/** Parses up to seven leading digits; 0 if there are none. */
inline int leading_number(std::string_view text) {
  int number = 0;
  for (size_t i = 0; i < text.size() && i < 7 && text[i] >= '0' && text[i] <= '9'; i += 1)
    number = number * 10 + (text[i] - '0');
  return number;
}

inline void read_header(std::string_view line, Head& head) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (is_same(name, "transfer-encoding")) head.chunked = is_same(value, "chunked");
  if (is_same(name, "retry-after")) head.retry_after_seconds = leading_number(value);
}

/** Parses a head at the start of `text`. `bytes` remains 0 until the head is complete. */
inline Head read_head(std::string_view text) {
  Head head;
  const size_t end = text.find("\r\n\r\n");
  if (end == std::string_view::npos) return head;
  head.bytes = end + 4;
  std::string_view rest = text.substr(0, end + 2);
  const std::string_view status_line = rest.substr(0, rest.find("\r\n"));
  if (status_line.size() >= 12 &&
      (is_same(status_line.substr(0, 9), "HTTP/1.1 ") || is_same(status_line.substr(0, 9), "HTTP/1.0 ")))
    head.status = leading_number(status_line.substr(9, 3));
  rest.remove_prefix(status_line.size() + 2);
  while (!rest.empty()) {
    const size_t line_end = rest.find("\r\n");
    read_header(rest.substr(0, line_end), head);
    rest.remove_prefix(line_end + 2);
  }
  return head;
}

}  // namespace encke

#endif  // ENCKE_LOAD_NATIVE_HEAD_H_
