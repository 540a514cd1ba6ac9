// Opens a listening socket that several processes may share: with SO_REUSEPORT each has its own queue, and the kernel
// deals new connections out, so that no process stands in the accept path of another. And what connections inherit from
// a listening socket, however it was opened.

#ifndef ENCKE_POOL_LISTEN_H_
#define ENCKE_POOL_LISTEN_H_

#include <stdint.h>

namespace encke {

/**
 * @param host a numeric IPv4 address, or an IPv6 address without brackets
 * @return a descriptor, or a negative errno: EINVAL for a host that is no address
 */
int listen_shared(const char* host, uint16_t port, int backlog);

/**
 * Sets TCP_USER_TIMEOUT: a connection whose peer acknowledges nothing for so long is ended by the kernel. Set on a listening
 * socket it holds for every connection that is accepted from then on.
 * @return 0, or an errno: EOPNOTSUPP for a UNIX socket
 */
int set_user_timeout(int descriptor, uint32_t ms);
/** @return TCP_USER_TIMEOUT in milliseconds, or a negative errno */
int64_t get_user_timeout(int descriptor);

}  // namespace encke

#endif  // ENCKE_POOL_LISTEN_H_
