// The floor of the peers bench: accepts streams and writes HTTP chunks to them in a bare send() loop. No
// server that sends one message per system call can be cheaper. It prints its port, reads commands from
// standard input (`count`; `each K`, `random N`, `paced RATE SECONDS`), and prints a number or `done` for
// each. It exits at the end of its input.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PAYLOAD = 100, STAMP = 18, MOST = 65536, EVENTS = 256 };

static int streams[MOST];
static char answered[MOST * 2];
static int count;
static uint64_t unsent;

static uint64_t now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (uint64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void send_message(int fd) {
  static char chunk[PAYLOAD + 32];
  static int prepared;
  if (!prepared) prepared = sprintf(chunk, "%x\r\n", PAYLOAD);
  char* end = chunk + prepared + PAYLOAD - STAMP;
  memset(chunk + prepared, 'm', PAYLOAD - STAMP);
  sprintf(end, "@@%016lu\r\n", now_us());
  if (send(fd, chunk, prepared + PAYLOAD + 2, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) unsent++;
}

static void send_each(int times) {
  for (int round = 0; round < times; round++)
    for (int i = 0; i < count; i++) send_message(streams[i]);
}

static void send_random(long n) {
  for (long i = 0; i < n; i++) send_message(streams[rand() % count]);
}

static void send_paced(long rate, long seconds) {
  uint64_t began = now_us(), sent = 0;
  for (;;) {
    uint64_t elapsed = now_us() - began;
    for (uint64_t due = elapsed * rate / 1000000; sent < due && sent < (uint64_t)(rate * seconds); sent++)
      send_message(streams[rand() % count]);
    if (sent >= (uint64_t)(rate * seconds)) return;
    usleep(1000);
  }
}

static void obey(void) {
  char line[128];
  ssize_t length = read(STDIN_FILENO, line, sizeof line - 1);
  if (length <= 0) exit(0);
  line[length] = 0;
  long a = 0, b = 0;
  if (strncmp(line, "count", 5) == 0) {
    printf("%d\n", count);
    fflush(stdout);
    return;
  }
  if (sscanf(line, "each %ld", &a) == 1) send_each(a);
  else if (sscanf(line, "random %ld", &a) == 1) send_random(a);
  else if (sscanf(line, "paced %ld %ld", &a, &b) == 2) send_paced(a, b);
  printf("done %lu\n", unsent);
  fflush(stdout);
}

static void on_stream(int fd, int loop) {
  static const char head[] =
      "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nhello\n\r\n";
  char buffer[4096];
  ssize_t length = recv(fd, buffer, sizeof buffer, 0);
  if (length > 0 && !answered[fd] && count < MOST) {
    answered[fd] = 1;
    send(fd, head, sizeof head - 1, MSG_NOSIGNAL);
    streams[count++] = fd;
  } else if (length <= 0) {
    answered[fd] = 0;
    for (int i = 0; i < count; i++)
      if (streams[i] == fd) streams[i--] = streams[--count];
    epoll_ctl(loop, EPOLL_CTL_DEL, fd, NULL);
    close(fd);
  }
}

int main(void) {
  int listener = socket(AF_INET, SOCK_STREAM, 0), loop = epoll_create1(0), on = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  if (bind(listener, (struct sockaddr*)&address, size) < 0 || listen(listener, 16384) < 0) return 1;
  getsockname(listener, (struct sockaddr*)&address, &size);
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[EVENTS];
  epoll_ctl(loop, EPOLL_CTL_ADD, listener, &event);
  event.data.fd = STDIN_FILENO;
  epoll_ctl(loop, EPOLL_CTL_ADD, STDIN_FILENO, &event);
  for (;;) {
    int ready = epoll_wait(loop, events, EVENTS, -1);
    for (int i = 0; i < ready; i++) {
      int fd = events[i].data.fd;
      if (fd == STDIN_FILENO) obey();
      else if (fd != listener) on_stream(fd, loop);
      else {
        event.data.fd = accept(listener, NULL, NULL);
        if (event.data.fd < 0) continue;
        setsockopt(event.data.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        epoll_ctl(loop, EPOLL_CTL_ADD, event.data.fd, &event);
      }
    }
  }
}
