// The course of a stream: connect, send the request, read the head, then the body until the end.

#include "load/native/src/readers.h"

#include <errno.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <string_view>
#include <utility>

#include "load/native/src/chunks.h"
#include "load/native/src/connect.h"

namespace encke {

namespace {

/** Buffer for one read, shared by all streams. Messages are small, and the rest is read in the next turn. */
constexpr size_t READ_BYTES = 64 * 1024;
uint8_t read_buffer[READ_BYTES];

/** Returns microseconds of the machine's monotonic clock, as `nowUs` in load/flood/latency.ts does. */
uint64_t now_us() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000 + static_cast<uint64_t>(now.tv_nsec) / 1000;
}

}  // namespace

Readers::Readers(Targets targets, const std::string& run, EpollSet& epoll)
    : scanner(run), targets_(std::move(targets)), epoll_(epoll), streams_(targets_.ends.size()) {}

Readers::~Readers() { close_all(); }

void Readers::open(uint32_t number) {
  Stream& stream = streams_[number];
  if (stream.phase != Phase::IDLE) return;
  opening += 1;
  stream.phase = Phase::CONNECTING;
  const int fd = open_connection(targets_.server_for(number).address, targets_.source_for(number));
  if (fd < 0) return end(number, End::ERROR, -fd);
  stream.fd = fd;
  const int failed = epoll_.add(fd, EPOLLOUT, number);
  if (failed != 0) end(number, End::ERROR, failed);
}

void Readers::on_ready(uint32_t number) {
  const Phase phase = streams_[number].phase;
  if (phase == Phase::CONNECTING) send_request(number);
  else if (phase != Phase::IDLE) receive(number);
}

void Readers::send_request(uint32_t number) {
  Stream& stream = streams_[number];
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(stream.fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error != 0) return end(number, End::ERROR, error);
  // the send buffer of a new connection holds a request of this size
  const std::string request = targets_.request_for(number);
  const ssize_t sent = send(stream.fd, request.data(), request.size(), MSG_NOSIGNAL);
  if (sent < 0 && errno == EAGAIN) return;
  if (sent != static_cast<ssize_t>(request.size()))
    return end(number, End::ERROR, sent < 0 ? errno : EMSGSIZE);
  stream.phase = Phase::HEAD;
  const int failed = epoll_.change(stream.fd, EPOLLIN, number);
  if (failed != 0) end(number, End::ERROR, failed);
}

/** Reads once per turn. A stream with more data is called again, so that no stream delays the others. */
void Readers::receive(uint32_t number) {
  const ssize_t got = recv(streams_[number].fd, read_buffer, READ_BYTES, 0);
  if (got > 0) return take(number, read_buffer, static_cast<size_t>(got));
  if (got == 0) return end(number, End::CUT);
  if (errno != EAGAIN && errno != EINTR) end(number, End::ERROR, errno);
}

void Readers::take(uint32_t number, const uint8_t* bytes, size_t size) {
  if (streams_[number].phase == Phase::HEAD) take_head(number, bytes, size);
  else take_body(number, bytes, size);
}

void Readers::take_head(uint32_t number, const uint8_t* bytes, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(bytes), size);
  std::string joined;
  if (const auto found = partial_heads_.find(number); found != partial_heads_.end()) {
    joined = std::move(found->second);
    partial_heads_.erase(found);
    text = joined.append(text);
  }
  const Head head = read_head(text);
  if (head.bytes == 0) {
    if (text.size() > MAX_HEAD_BYTES) return end(number, End::BROKEN);
    partial_heads_.emplace(number, text);
    return;
  }
  if (head.status == 0) return end(number, End::BROKEN);
  if (head.status != 200) return end(number, End::STATUS, head.status, head.retry_after_seconds);
  Stream& stream = streams_[number];
  stream.phase = head.chunked ? Phase::SIZE_START : Phase::RAW;
  stream.field = Field::TEXT;
  stream.state = 0;
  stream.seen = 0;
  if (stream.was_open) reopened += 1;
  stream.was_open = true;
  opening -= 1;
  active += 1;
  take_body(number, reinterpret_cast<const uint8_t*>(text.data()) + head.bytes, text.size() - head.bytes);
}

void Readers::take_body(uint32_t number, const uint8_t* from, size_t size) {
  if (size == 0) return;
  Stream& stream = streams_[number];
  const uint64_t received_us = now_us();
  const auto on_data = [&](const uint8_t* data, size_t count) {
    bytes += count;
    scanner.read(stream, data, count, received_us);
  };
  if (stream.phase == Phase::RAW) {
    chunks += 1;
    return on_data(from, size);
  }
  const Framing framing = read_chunks(stream, from, size, on_data, [&] { chunks += 1; });
  if (framing != Framing::MORE) end(number, framing == Framing::COMPLETE ? End::COMPLETE : End::BROKEN);
}

void Readers::end(uint32_t number, End end, int detail, int retry_after_seconds) {
  Stream& stream = streams_[number];
  const bool was_open = stream.phase > Phase::HEAD;
  (was_open ? active : opening) -= 1;
  if (stream.fd >= 0) close(stream.fd);
  stream.fd = -1;
  stream.phase = Phase::IDLE;
  partial_heads_.erase(number);
  ended.push_back({static_cast<int32_t>(number), end, detail, retry_after_seconds, was_open ? 1 : 0});
}

void Readers::close_all() {
  for (Stream& stream : streams_) {
    if (stream.fd >= 0) close(stream.fd);
    stream.fd = -1;
    stream.phase = Phase::IDLE;
  }
  partial_heads_.clear();
  opening = 0;
  active = 0;
}

}  // namespace encke
