// A format as the pool is told of it once: its template for events, its heartbeat, its last words for each reason. The
// texts are those of edge/formats/; nothing of them is spelled here. At most MAX_FORMATS, for the pool's lifetime.

#ifndef ENCKE_POOL_FORMAT_H_
#define ENCKE_POOL_FORMAT_H_

#include "close_reasons.h"
#include "rendering.h"

namespace encke {

constexpr uint32_t MAX_FORMATS = 8;

/** Parts of one text: literals, one number (the time to come back), the stream's cursor. */
constexpr uint32_t MAX_WORDS = 5;

/** A text of the format: where its parts stand in the format's list. */
struct Words {
  uint32_t begin = 0;
  uint32_t count = 0;
};

struct Format {
  List<char> texts;
  List<Part> event;
  /** The parts of all its other texts. */
  List<Part> words;
  /** Whether its events have numbers, each connection its own. */
  bool has_numbers = false;
  Words heartbeat;
  Words goodbyes[CLOSE_REASONS];
  /** The event at hand in this format. */
  Rendering rendering;

  /** Puts a text together in `out`, which has room for MAX_WORDS. @return how many views it is */
  uint32_t say(const Words& what, View number, View cursor, View* out) const {
    for (uint32_t i = 0; i < what.count; i++) {
      const Part& part = words[what.begin + i];
      out[i] = part.insert == Insert::kLiteral  ? View{texts.data() + part.begin, part.length}
               : part.insert == Insert::kCursor ? cursor
                                                : number;
    }
    return what.count;
  }
};

}  // namespace encke

#endif  // ENCKE_POOL_FORMAT_H_
