// The reasons for which a stream ends, as in edge/pool/close-reasons.ts. JavaScript reads the names and their
// order from here.

#ifndef ENCKE_POOL_CLOSE_REASONS_H_
#define ENCKE_POOL_CLOSE_REASONS_H_

#include <stdint.h>

namespace encke {

enum class CloseReason : uint8_t {
  kPeer,
  kError,
  kSlow,
  kStalled,
  kOverload,
  kDrain,
  kExpired,
  kAged,
  kBusy,
  kRefused
};

constexpr const char* CLOSE_REASON_NAMES[] = {"peer",  "error",   "slow", "stalled", "overload",
                                              "drain", "expired", "aged", "busy",    "refused"};
constexpr uint32_t CLOSE_REASONS = sizeof CLOSE_REASON_NAMES / sizeof *CLOSE_REASON_NAMES;

/**
 * Returns whether the connection is reset: a reader that does not read would otherwise occupy the kernel's
 * memory.
 */
constexpr bool is_reset(CloseReason reason) {
  return reason == CloseReason::kSlow || reason == CloseReason::kStalled || reason == CloseReason::kOverload;
}

}  // namespace encke

#endif  // ENCKE_POOL_CLOSE_REASONS_H_
