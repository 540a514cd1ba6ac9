// The target and source address of each stream: paths in one buffer, a table of servers, and a table of
// source addresses. A stream costs its path and six bytes; a request is assembled when it is sent.

#ifndef ENCKE_LOAD_NATIVE_TARGETS_H_
#define ENCKE_LOAD_NATIVE_TARGETS_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace encke {

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

/** Parses a numeric IPv4 or IPv6 address; `size` is 0 if it is invalid. */
inline Address parse_address(const std::string& text, uint16_t port) {
  Address address;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    address.size = sizeof(sockaddr_in);
  } else if (inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    address.size = sizeof(sockaddr_in6);
  }
  return address;
}

struct Server {
  Address address;
  /** The part of a request after its path. */
  std::string rest;
};

struct Targets {
  std::vector<Server> servers;
  std::vector<Address> sources;
  /** All paths, concatenated. */
  std::string paths;
  /** End of each path. */
  std::vector<uint32_t> ends;
  /** Server of each stream. */
  std::vector<uint16_t> server_of;
  /** A stream's source is `sources[(first_source + stream * source_step) % sources.size()]`. */
  uint32_t first_source = 0;
  uint32_t source_step = 1;

  const Server& server_for(uint32_t stream) const { return servers[server_of[stream]]; }

  /** Returns the source address; nullptr leaves the choice to the system. */
  const Address* source_for(uint32_t stream) const {
    if (sources.empty()) return nullptr;
    return &sources[(first_source + uint64_t{stream} * source_step) % sources.size()];
  }

  std::string request_for(uint32_t stream) const {
    const uint32_t from = stream == 0 ? 0 : ends[stream - 1];
    return "GET " + paths.substr(from, ends[stream] - from) + server_for(stream).rest;
  }
};

}  // namespace encke

#endif  // ENCKE_LOAD_NATIVE_TARGETS_H_
