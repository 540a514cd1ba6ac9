// A keyed 64-bit hash of short byte strings. User ids come from outside, so clients must not be able to
// choose ids that collide. Derived from wyhash (public domain): multiply and fold 8-byte words. Not for
// secrets.

#ifndef ENCKE_POOL_HASH_H_
#define ENCKE_POOL_HASH_H_

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>

namespace encke {

inline uint64_t fold(uint64_t a, uint64_t b) {
  const __uint128_t product = static_cast<__uint128_t>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

class Hash {
 public:
  Hash() {
    // before the system's random source is ready (in early boot), a fixed key is used
    if (getrandom(&key_, sizeof key_, GRND_NONBLOCK) != sizeof key_) key_ = 0x2d358dccaa6c78a5;
  }

  uint64_t of(const char* data, size_t length) const {
    uint64_t state = key_ ^ fold(length ^ 0xa0761d6478bd642f, 0xe7037ed1a0b428db);
    for (; length >= 8; data += 8, length -= 8) state = fold(state ^ word(data, 8), 0x8ebc6af09c88c6e3);
    return fold(state ^ word(data, length) ^ 0x589965cc75374cc3, key_ | 1);
  }

 private:
  static uint64_t word(const char* data, size_t length) {
    uint64_t bytes = 0;
    memcpy(&bytes, data, length);
    return bytes;
  }

  uint64_t key_ = 0;
};

/** xorshift64*, which spreads moments in time; not for secrets. */
class Random {
 public:
  Random() {
    if (getrandom(&state_, sizeof state_, GRND_NONBLOCK) != sizeof state_ || state_ == 0)
      state_ = 0x9e3779b97f4a7c15;
  }

  /** Returns a number from 0 to `below` - 1; 0 if `below` is 0. */
  uint32_t below(uint32_t below) {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    const uint64_t high = (state_ * 0x2545f4914f6cdd1d) >> 32;
    return static_cast<uint32_t>((high * below) >> 32);
  }

 private:
  uint64_t state_ = 0;
};

}  // namespace encke

#endif  // ENCKE_POOL_HASH_H_
