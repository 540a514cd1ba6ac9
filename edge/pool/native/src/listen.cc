// A listening socket that several processes share (SO_REUSEPORT), for IPv4 and IPv6. The caller owns the
// descriptor.

#include "listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

namespace encke {

namespace {

/** @return the length of the address, or 0 if `host` is not an address */
socklen_t parse_address(const char* host, uint16_t port, sockaddr_storage* address) {
  memset(address, 0, sizeof *address);
  auto* v4 = reinterpret_cast<sockaddr_in*>(address);
  if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    return sizeof *v4;
  }
  memset(address, 0, sizeof *address);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(address);
  if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    return sizeof *v6;
  }
  return 0;
}

}  // namespace

int listen_shared(const char* host, uint16_t port, int backlog) {
  sockaddr_storage address;
  const socklen_t length = parse_address(host, port, &address);
  if (length == 0) return -EINVAL;
  const int descriptor = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return -errno;
  const int on = 1;
  if (setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
      setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0 &&
      bind(descriptor, reinterpret_cast<sockaddr*>(&address), length) == 0 &&
      listen(descriptor, backlog) == 0) {
    return descriptor;
  }
  const int problem = errno;
  close(descriptor);
  return -problem;
}

int set_user_timeout(int descriptor, uint32_t ms) {
  return setsockopt(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof ms) == 0 ? 0 : errno;
}

int64_t get_user_timeout(int descriptor) {
  uint32_t ms = 0;
  socklen_t size = sizeof ms;
  return getsockopt(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, &size) == 0 ? int64_t{ms}
                                                                                : -int64_t{errno};
}

}  // namespace encke
