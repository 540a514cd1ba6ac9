// The streams of one process: a flat table of rows, which are opened one by one and read when the epoll set
// reports them. Memory: a row and a path per stream, one read buffer for all, and the parts of incomplete
// heads.

#ifndef ENCKE_LOAD_NATIVE_READERS_H_
#define ENCKE_LOAD_NATIVE_READERS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "edge/native/epoll_set.h"
#include "load/native/src/head.h"
#include "load/native/src/scanner.h"
#include "load/native/src/stream.h"
#include "load/native/src/targets.h"

namespace encke {

/** The reason why a stream ended. The numbers are those of load/flood/native-readers.ts. */
enum class End : int32_t {
  ERROR = 0,     // detail: errno
  STATUS = 1,    // detail: the status that was not 200
  COMPLETE = 2,  // the last chunk arrived
  CUT = 3,       // the connection ended before that
  BROKEN = 4,    // no HTTP response, or broken framing
};

struct Ended {
  int32_t stream;
  End end;
  int32_t detail;
  int32_t retry_after_seconds;
  /** 1 if it had been open. */
  int32_t was_open;
};

class Readers {
 public:
  /**
   * @param epoll calls `on_ready` with the number that a descriptor was added with; must outlive the readers
   */
  Readers(Targets targets, const std::string& run, EpollSet& epoll);
  ~Readers();
  Readers(const Readers&) = delete;
  Readers& operator=(const Readers&) = delete;

  /** Begins to open a stream that is not open. A failure is recorded in `ended`, even if it is immediate. */
  void open(uint32_t stream);
  /** Called when the descriptor of this stream is readable, writable or closed. */
  void on_ready(uint32_t stream);
  /** Ends every stream. */
  void close_all();

  /**
   * Streams that ended without being closed here; the owner empties it. At most one entry per stream and call
   * of `open`.
   */
  std::vector<Ended> ended;

  uint32_t opening = 0;
  uint32_t active = 0;
  /** Number of times that a stream was opened again. */
  uint64_t reopened = 0;
  uint64_t chunks = 0;
  uint64_t bytes = 0;
  Scanner scanner;

  const std::vector<Stream>& streams() const { return streams_; }

 private:
  void send_request(uint32_t number);
  void receive(uint32_t number);
  void take(uint32_t number, const uint8_t* bytes, size_t size);
  void take_head(uint32_t number, const uint8_t* bytes, size_t size);
  void take_body(uint32_t number, const uint8_t* bytes, size_t size);
  void end(uint32_t number, End end, int detail = 0, int retry_after_seconds = 0);

  const Targets targets_;
  EpollSet& epoll_;
  std::vector<Stream> streams_;
  std::unordered_map<uint32_t, std::string> partial_heads_;
};

}  // namespace encke

#endif  // ENCKE_LOAD_NATIVE_READERS_H_
