// Opens a listening socket that several processes may share: with SO_REUSEPORT each has its own queue, and the kernel
// deals new connections out, so that no process stands in the accept path of another.

#ifndef ENCKE_POOL_LISTEN_H_
#define ENCKE_POOL_LISTEN_H_

#include <stdint.h>

namespace encke {

/**
 * @param host a numeric IPv4 address, or an IPv6 address without brackets
 * @return a descriptor, or a negative errno: EINVAL for a host that is no address
 */
int listen_shared(const char* host, uint16_t port, int backlog);

}  // namespace encke

#endif  // ENCKE_POOL_LISTEN_H_
