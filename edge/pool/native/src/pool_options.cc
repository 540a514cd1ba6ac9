// Reads the limits and formats of a pool: once, checked and copied.

#include "pool_options.h"

#include <initializer_list>

namespace encke {

namespace {

napi_value property(napi_env env, napi_value object, const char* name) {
  napi_value value = nullptr;
  napi_get_named_property(env, object, name, &value);
  return value;
}

napi_value element(napi_env env, napi_value array, uint32_t index) {
  napi_value value = nullptr;
  napi_get_element(env, array, index, &value);
  return value;
}

/** Returns the length of an array; 0, with a TypeError pending, for other values. */
uint32_t length_of(napi_env env, napi_value array) {
  uint32_t length = 0;
  if (array == nullptr || napi_get_array_length(env, array, &length) != napi_ok)
    throw_type_error(env, "an array is expected");
  return length;
}

bool append_text(napi_env env, napi_value value, Format* format) {
  const Utf8 text(env, value);
  if (!text.ok()) return false;
  if (!format->texts.reserve(text.length()))
    return throw_error(env, "NO_MEMORY", "no memory for a format"), false;
  format->texts.append(text.data(), text.length());
  return true;
}

/** Reads a string as a literal and a number as an insert, and appends it to `parts`. */
bool read_part(napi_env env, napi_value value, Format* format, List<Part>* parts, uint32_t* numbers) {
  napi_valuetype type = napi_undefined;
  napi_typeof(env, value, &type);
  Part part{Insert::kLiteral, format->texts.size(), 0};
  if (type == napi_number) {
    double number = NAN;
    uint32_t insert = 0;
    napi_get_value_double(env, value, &number);
    if (!to_integer<uint32_t>(number, 0, INSERTS - 1, &insert))
      return throw_type_error(env, "no such insert"), false;
    part.insert = static_cast<Insert>(insert);
    if (part.insert == Insert::kNumber && ++*numbers > MAX_NUMBERS)
      return throw_type_error(env, "too many numbers"), false;
  } else {
    if (!append_text(env, value, format)) return false;
    part.length = format->texts.size() - part.begin;
  }
  if (!parts->push(part)) return throw_error(env, "NO_MEMORY", "no memory for a format"), false;
  return true;
}

/** Reads a text with the inserts `number` and `cursor`. */
bool read_words(napi_env env, napi_value texts, Format* format, Words* words) {
  const uint32_t count = length_of(env, texts);
  if (count < 1 || count > MAX_WORDS) return throw_type_error(env, "1 to 5 parts are expected"), false;
  words->begin = format->words.size();
  words->count = count;
  uint32_t numbers = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (!read_part(env, element(env, texts, i), format, &format->words, &numbers)) return false;
    const Insert insert = format->words[words->begin + i].insert;
    if (insert != Insert::kLiteral && insert != Insert::kNumber && insert != Insert::kCursor)
      return throw_type_error(env, "an insert that only events have"), false;
  }
  return true;
}

bool read_goodbyes(napi_env env, napi_value list, Format* format, Words* goodbyes) {
  if (length_of(env, list) != CLOSE_REASONS)
    return throw_type_error(env, "a goodbye for each reason is expected"), false;
  for (uint32_t reason = 0; reason < CLOSE_REASONS; reason++) {
    if (!read_words(env, element(env, list, reason), format, &goodbyes[reason])) return false;
  }
  return true;
}

bool read_format(napi_env env, napi_value value, Format* format) {
  const napi_value parts = property(env, value, "event");
  const uint32_t count = length_of(env, parts);
  uint32_t numbers = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (!read_part(env, element(env, parts, i), format, &format->event, &numbers)) return false;
  }
  format->has_numbers = numbers > 0;
  if (!read_words(env, property(env, value, "heartbeat"), format, &format->heartbeat)) return false;
  if (!read_words(env, property(env, value, "refresh"), format, &format->refresh)) return false;
  return read_goodbyes(env, property(env, value, "goodbyes"), format, format->goodbyes) &&
         read_goodbyes(env, property(env, value, "bareGoodbyes"), format, format->bare_goodbyes);
}

}  // namespace

bool read_limits(napi_env env, napi_value options, Limits* limits) {
  double queue, queued, stalled, heartbeat, refresh, end, lifetime, min, spread;
  const struct {
    const char* name;
    double* value;
  } numbers[] = {{"maxQueueBytes", &queue},    {"maxQueuedBytes", &queued}, {"stalledMs", &stalled},
                 {"heartbeatMs", &heartbeat},  {"refreshMs", &refresh},     {"endMs", &end},
                 {"maxLifetimeMs", &lifetime}, {"comeBackMinMs", &min},     {"comeBackSpreadMs", &spread}};
  for (const auto& number : numbers) {
    if (!number_option(env, options, number.name, number.value)) return false;
  }
  constexpr double MAX_LIMIT = 1e9;  // bytes or milliseconds of one connection: 1 GB, 11 days
  for (const double each : {queue, stalled, heartbeat, refresh, end, lifetime, min, spread}) {
    if (!(each >= 0 && each <= MAX_LIMIT))
      return throw_type_error(env, "a limit is not between 0 and 1e9"), false;
  }
  if (!(queued >= 0 && queued <= 1e15))
    return throw_type_error(env, "maxQueuedBytes is not between 0 and 1e15"), false;
  const auto ticks = TimingWheel::ticks_of;
  *limits = Limits{static_cast<uint32_t>(queue),
                   static_cast<uint64_t>(queued),
                   ticks(stalled),
                   ticks(heartbeat),
                   ticks(refresh),
                   ticks(end),
                   lifetime == 0 ? 0 : ticks(lifetime),
                   static_cast<uint32_t>(min),
                   static_cast<uint32_t>(spread)};
  return true;
}

bool read_cork_limits(napi_env env, napi_value options, CorkLimits* limits) {
  double events, bytes, total;
  if (!number_option(env, options, "corkEvents", &events) ||
      !number_option(env, options, "corkBytes", &bytes) ||
      !number_option(env, options, "corkTotalBytes", &total))
    return false;
  if (!(events >= 0 && events <= 1e9 && bytes >= 0 && bytes <= 1e9 && total >= 0 && total <= 1e15))
    return throw_type_error(env, "a limit of corked streams is out of range"), false;
  *limits =
      CorkLimits{static_cast<uint32_t>(events), static_cast<uint32_t>(bytes), static_cast<uint64_t>(total)};
  return true;
}

bool read_formats(napi_env env, napi_value options, Pool* pool) {
  const napi_value list = property(env, options, "formats");
  const uint32_t count = length_of(env, list);
  for (uint32_t i = 0; i < count; i++) {
    Format* format = pool->add_format();
    if (format == nullptr) return throw_type_error(env, "too many formats"), false;
    if (!read_format(env, element(env, list, i), format))
      return throw_type_error(env, "a format is malformed"), false;
  }
  return true;
}

}  // namespace encke
