// Opens a connection of a client without blocking, from a chosen address.

#ifndef ENCKE_LOAD_NATIVE_CONNECT_H_
#define ENCKE_LOAD_NATIVE_CONNECT_H_

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cerrno>

#include "load/native/src/targets.h"

namespace encke {

/**
 * Returns a descriptor whose connection is in progress, or a negative errno. With a source address, the port
 * is chosen when connecting (IP_BIND_ADDRESS_NO_PORT). So one port serves connections to several servers, and
 * an address carries as many streams per server as it has ephemeral ports.
 */
inline int open_connection(const Address& server, const Address* source) {
  const int fd = socket(server.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  const int on = 1;
  const auto fail = [fd] {
    const int error = errno;
    close(fd);
    return -error;
  };
  // optional: without it the connection works, with a delay
  (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (source != nullptr) {
    if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) != 0) return fail();
    if (bind(fd, source->get(), source->size) != 0) return fail();
  }
  if (connect(fd, server.get(), server.size) != 0 && errno != EINPROGRESS) return fail();
  return fd;
}

}  // namespace encke

#endif  // ENCKE_LOAD_NATIVE_CONNECT_H_
