// The reader of the peers bench. It opens N streams (HTTP and WebSocket alike: it sends a given request, and
// finds messages in any framing), counts every message and its latency, and replies to lines on standard
// input. One process, one thread, 40 bytes per stream, so that the server under test dominates the
// measurement.
//
//   count-client HOST PORT STREAMS FIRST-ID REQUEST-FILE AFTER-HEX
//
// `{id}` in the request becomes the stream's id. AFTER-HEX is sent once the response's head has been read (or
// "-"). A message ends with a stamp: @@ and 16 digits, microseconds since 1970. Commands are `stats` and
// `reset`. The client exits at the end of its input, and resets its connections so that none lingers.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTING, READING_HEAD, OPEN, CLOSED };
enum { STAMP_DIGITS = 16, AT_ONCE = 512, EVENTS = 1024, SUB_BITS = 7, BUCKETS = (64 - SUB_BITS) << SUB_BITS };

struct stream {
  int fd;
  uint8_t state, head_end, mark;
  uint32_t messages;
  uint64_t stamp;
};

static struct stream* streams;
static int count, begun, first_id;
static long opened, failed, closed_streams, malformed;
static uint64_t messages, bytes, latency[BUCKETS], longest;
static char request[4096], after[64];
static size_t after_length;
static struct sockaddr_in address;
static int loop;

static uint64_t now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (uint64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

// Log-linear buckets: 128 per doubling, so a percentile is accurate to 1 %.
static unsigned bucket_of(uint64_t us) {
  if (us < (2u << SUB_BITS)) return us;
  int shift = 63 - __builtin_clzll(us) - SUB_BITS;
  return ((unsigned)shift << SUB_BITS) + (us >> shift);
}
static uint64_t value_of(unsigned bucket) {
  if (bucket < (2u << SUB_BITS)) return bucket;
  unsigned shift = (bucket >> SUB_BITS) - 1;
  return ((uint64_t)(bucket & ((1u << SUB_BITS) - 1)) + (1u << SUB_BITS)) << shift;
}
static uint64_t percentile(double part) {
  uint64_t total = 0, seen = 0;
  for (int i = 0; i < BUCKETS; i++) total += latency[i];
  for (int i = 0; i < BUCKETS; i++)
    if ((seen += latency[i]) >= total * part && total > 0) return value_of(i);
  return 0;
}

static void note(struct stream* s) {
  uint64_t now = now_us(), us = now > s->stamp ? now - s->stamp : 0;
  latency[bucket_of(us)]++;
  if (us > longest) longest = us;
  s->messages++;
  messages++;
}

// Finds stamps, wherever the reads split them.
static void scan(struct stream* s, const char* at, const char* end) {
  while (at < end) {
    if (s->mark == 0) {
      at = memchr(at, '@', end - at);
      if (at == NULL) return;
      s->mark = 1;
      at++;
    } else if (s->mark == 1) {
      s->mark = *at++ == '@' ? 2 : 0;
      s->stamp = 0;
    } else if (*at < '0' || *at > '9') {
      malformed++;
      s->mark = 0;
    } else {
      s->stamp = s->stamp * 10 + (*at++ - '0');
      if (++s->mark == 2 + STAMP_DIGITS) {
        note(s);
        s->mark = 0;
      }
    }
  }
}

static void drop(struct stream* s) {
  if (s->state == OPEN) closed_streams++;
  else failed++;
  s->state = CLOSED;
  close(s->fd);
}

static void send_request(struct stream* s) {
  char text[8192], id[16];
  int length = 0;
  snprintf(id, sizeof id, "%d", first_id + (int)(s - streams));
  const char* hole = strstr(request, "{id}");
  if (hole == NULL) length = snprintf(text, sizeof text, "%s", request);
  else length = snprintf(text, sizeof text, "%.*s%s%s", (int)(hole - request), request, id, hole + 4);
  if (send(s->fd, text, length, MSG_NOSIGNAL) != length) drop(s);
  else s->state = READING_HEAD;
}

static void read_head(struct stream* s, const char* at, const char* end) {
  if (s->head_end == 0 &&
      (end - at < 12 || (memcmp(at + 9, "200", 3) != 0 && memcmp(at + 9, "101", 3) != 0))) {
    drop(s);
    return;
  }
  static const char mark[] = "\r\n\r\n";
  for (const char* p = at; p < end && s->head_end < 4; p++)
    s->head_end = *p == mark[s->head_end] ? s->head_end + 1 : *p == '\r';
  if (s->head_end < 4) return;
  s->state = OPEN;
  opened++;
  if (after_length > 0 && send(s->fd, after, after_length, MSG_NOSIGNAL) != (ssize_t)after_length) drop(s);
}

static void on_readable(struct stream* s) {
  static char buffer[65536];
  ssize_t length = recv(s->fd, buffer, sizeof buffer, 0);
  if (length < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (length <= 0) {
    drop(s);
    return;
  }
  bytes += length;
  if (s->state == READING_HEAD) read_head(s, buffer, buffer + length);
  if (s->state != CLOSED) scan(s, buffer, buffer + length);
}

static void begin_more(void) {
  while (begun < count && begun - opened - failed < AT_ONCE) {
    struct stream* s = &streams[begun++];
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = s};
    int on = 1;
    if (s->fd < 0 ||
        (connect(s->fd, (struct sockaddr*)&address, sizeof address) < 0 && errno != EINPROGRESS) ||
        epoll_ctl(loop, EPOLL_CTL_ADD, s->fd, &event) < 0) {
      drop(s);
      continue;
    }
    setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
}

static void on_event(struct stream* s) {
  if (s->state == CLOSED) return;
  if (s->state != CONNECTING) {
    on_readable(s);
    return;
  }
  struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = s};
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0 || epoll_ctl(loop, EPOLL_CTL_MOD, s->fd, &event) < 0) drop(s);
  else send_request(s);
}

static void print_stats(void) {
  uint32_t least = UINT32_MAX, most = 0;
  for (int i = 0; i < count; i++) {
    if (streams[i].messages < least) least = streams[i].messages;
    if (streams[i].messages > most) most = streams[i].messages;
  }
  printf(
      "{\"open\":%ld,\"failed\":%ld,\"closed\":%ld,\"messages\":%lu,\"malformed\":%ld,\"least\":%u,\"most\":%"
      "u,"
      "\"bytes\":%lu,\"p50Us\":%lu,\"p99Us\":%lu,\"maxUs\":%lu}\n",
      opened - closed_streams, failed, closed_streams, messages, malformed, least, most, bytes,
      percentile(0.5), percentile(0.99), longest);
  fflush(stdout);
}

static void reset(void) {
  memset(latency, 0, sizeof latency);
  messages = bytes = longest = 0;
  for (int i = 0; i < count; i++) streams[i].messages = 0;
  printf("{}\n");
  fflush(stdout);
}

// Lines are short and sent one at a time, so each read returns one line.
static void on_command(void) {
  char line[64];
  ssize_t length = read(STDIN_FILENO, line, sizeof line);
  if (length > 0) {
    if (memcmp(line, "stats", 5) == 0) print_stats();
    else if (memcmp(line, "reset", 5) == 0) reset();
    return;
  }
  struct linger now = {1, 0};
  for (int i = 0; i < begun; i++) {
    if (streams[i].state == CLOSED) continue;
    setsockopt(streams[i].fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(streams[i].fd);
  }
  exit(0);
}

int main(int argc, char** argv) {
  if (argc != 7) return 2;
  address.sin_family = AF_INET;
  inet_pton(AF_INET, argv[1], &address.sin_addr);
  address.sin_port = htons(atoi(argv[2]));
  count = atoi(argv[3]);
  first_id = atoi(argv[4]);
  int file = open(argv[5], O_RDONLY);
  if (file < 0 || read(file, request, sizeof request - 1) <= 0) return 2;
  close(file);
  for (const char* hex = argv[6]; hex[0] != '-' && hex[0] && hex[1]; hex += 2) {
    char byte[3] = {hex[0], hex[1], 0};
    after[after_length++] = strtol(byte, NULL, 16);
  }
  streams = calloc(count, sizeof *streams);
  loop = epoll_create1(0);
  struct epoll_event input = {.events = EPOLLIN, .data.ptr = NULL}, events[EVENTS];
  epoll_ctl(loop, EPOLL_CTL_ADD, STDIN_FILENO, &input);
  for (;;) {
    begin_more();
    int ready = epoll_wait(loop, events, EVENTS, -1);
    for (int i = 0; i < ready; i++) {
      if (events[i].data.ptr == NULL) on_command();
      else on_event(events[i].data.ptr);
    }
  }
}
