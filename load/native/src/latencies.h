// Latencies of messages in microseconds, in a histogram whose buckets are accurate to three digits, as in
// HdrHistogram. Its size is fixed; more than a minute counts as a minute.

#ifndef ENCKE_LOAD_NATIVE_LATENCIES_H_
#define ENCKE_LOAD_NATIVE_LATENCIES_H_

#include <array>
#include <cstdint>
#include <vector>

namespace encke {

class Latencies {
 public:
  /** Records a message sent at `sent_us`, which is untrusted; a time in the future counts as zero latency. */
  void note(uint64_t now_us, uint64_t sent_us) {
    const uint64_t us = now_us > sent_us ? now_us - sent_us : 1;
    counts_[bucket_of(us > LONGEST_US ? LONGEST_US : us)] += 1;
  }

  /** Returns pairs of microseconds and frequency, of all records since the last call. */
  std::vector<double> take() {
    std::vector<double> pairs;
    for (uint32_t bucket = 0; bucket < BUCKETS; bucket += 1) {
      if (counts_[bucket] == 0) continue;
      pairs.push_back(static_cast<double>(middle_of(bucket)));
      pairs.push_back(static_cast<double>(counts_[bucket]));
      counts_[bucket] = 0;
    }
    return pairs;
  }

 private:
  static constexpr uint64_t LONGEST_US = 60'000'000;
  /** Values below 2,048 have one bucket each; above, each doubling has 1,024 buckets. */
  static constexpr uint32_t EXACT = 2048;
  static constexpr uint32_t PER_DOUBLING = 1024;
  static constexpr uint32_t BUCKETS = EXACT + 15 * PER_DOUBLING;

  static uint32_t bucket_of(uint64_t value) {
    if (value < EXACT) return static_cast<uint32_t>(value);
    const uint32_t shift = 63 - static_cast<uint32_t>(__builtin_clzll(value)) - 10;
    return EXACT + (shift - 1) * PER_DOUBLING + static_cast<uint32_t>((value >> shift) - PER_DOUBLING);
  }

  static uint64_t middle_of(uint32_t bucket) {
    if (bucket < EXACT) return bucket;
    const uint32_t shift = (bucket - EXACT) / PER_DOUBLING + 1;
    const uint64_t first = (uint64_t{(bucket - EXACT) % PER_DOUBLING} + PER_DOUBLING) << shift;
    return first + (uint64_t{1} << (shift - 1));
  }

  std::array<uint32_t, BUCKETS> counts_{};
};

}  // namespace encke

#endif  // ENCKE_LOAD_NATIVE_LATENCIES_H_
