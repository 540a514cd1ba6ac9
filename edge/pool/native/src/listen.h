// Opens a listening socket that several processes may share. With SO_REUSEPORT, each process has its own
// queue and the kernel distributes new connections, so that no process is involved when another accepts. Also
// sets options that connections inherit from a listening socket, however it was opened.

#ifndef ENCKE_POOL_LISTEN_H_
#define ENCKE_POOL_LISTEN_H_

#include <stdint.h>

namespace encke {

/**
 * @param host a numeric IPv4 address, or an IPv6 address without brackets
 * @return a descriptor, or a negative errno: EINVAL if `host` is not an address
 */
int listen_shared(const char* host, uint16_t port, int backlog);

/**
 * Sets TCP_USER_TIMEOUT: the kernel ends a connection whose peer has acknowledged nothing for this long. On a
 * listening socket, it applies to every connection accepted from then on.
 * @return 0, or an errno: EOPNOTSUPP for a UNIX socket
 */
int set_user_timeout(int descriptor, uint32_t ms);
/** @return TCP_USER_TIMEOUT in milliseconds, or a negative errno */
int64_t get_user_timeout(int descriptor);

}  // namespace encke

#endif  // ENCKE_POOL_LISTEN_H_
