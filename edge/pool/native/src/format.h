// A format as the pool is told of it once: its template for events, its heartbeat, its last words for each reason. The
// texts are those of edge/formats/; nothing of them is spelled here. At most MAX_FORMATS, for the pool's lifetime.

#ifndef ENCKE_POOL_FORMAT_H_
#define ENCKE_POOL_FORMAT_H_

#include "close_reasons.h"
#include "rendering.h"

namespace encke {

constexpr uint32_t MAX_FORMATS = 8;

/** A text of the format; with `has_number`, a number stands between its two halves. */
struct Words {
  uint32_t begin = 0;
  uint32_t middle = 0;
  uint32_t end = 0;
  bool has_number = false;
};

struct Format {
  List<char> texts;
  List<Part> event;
  Words heartbeat;
  Words goodbyes[CLOSE_REASONS];
  /** The event at hand in this format. */
  Rendering rendering;

  View first(const Words& words) const { return View{texts.data() + words.begin, words.middle - words.begin}; }
  View second(const Words& words) const { return View{texts.data() + words.middle, words.end - words.middle}; }
};

}  // namespace encke

#endif  // ENCKE_POOL_FORMAT_H_
