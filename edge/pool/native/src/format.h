// A format as it is registered with the pool once: its template for events, its heartbeat, its refresh, and
// its goodbye for each reason. The texts come from edge/formats/ and are not repeated here. At most
// MAX_FORMATS, which exist as long as the pool.

#ifndef ENCKE_POOL_FORMAT_H_
#define ENCKE_POOL_FORMAT_H_

#include "close_reasons.h"
#include "rendering.h"

namespace encke {

constexpr uint32_t MAX_FORMATS = 8;

/** The parts of a text: literals, one number (the time to reconnect after), and the stream's cursor. */
constexpr uint32_t MAX_WORDS = 5;

/** A text of the format: where its parts are in the format's list. */
struct Words {
  uint32_t begin = 0;
  uint32_t count = 0;
};

struct Format {
  List<char> texts;
  List<Part> event;
  /** The parts of all texts except events. */
  List<Part> words;
  /** Whether its events are numbered per connection. */
  bool has_numbers = false;
  Words heartbeat;
  /** Tells the reader of a quiet stream its cursor. */
  Words refresh;
  Words goodbyes[CLOSE_REASONS];
  /** The same for streams without a cursor. */
  Words bare_goodbyes[CLOSE_REASONS];
  /** The current event in this format. */
  Rendering rendering;

  /** Assembles a text in `out`, which has space for MAX_WORDS. @return the number of views */
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
