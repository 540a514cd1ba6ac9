// The event codec: a published payload becomes one JSON object on one line, encoded once and copied to every
// recipient. Web standards only, so that it runs wherever the edge does.
//
//   {"id":"0-mbx3k2-1","topic":"42","time":"2026-11-21T20:00:00.000Z","data":…}

import { quote } from "../lib/errors.ts";
import { BrokerError } from "./errors.ts";
import type { Topic } from "./names.ts";

/** Maximum payload of an event or a direct message, in bytes. */
export const MAX_PAYLOAD_BYTES = 65_536;

export interface Event {
  readonly id: string;
  /** Absent for a message published directly to one user. */
  readonly topic?: string;
  /** The time at which the event was accepted, in ISO 8601. */
  readonly time: string;
  /** An object or array if the payload was one, else its text; absent if the payload was not UTF-8. */
  readonly data?: unknown;
  /** The payload in base64 if it was not UTF-8. */
  readonly data_base64?: string;
}

/** Enough for most events before the memory grows. */
const FIRST_BYTES = 4_096;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const LINE_BREAK = /[\r\n]/g;
/**
 * Characters that JSON allows in a string and that some clients take for the end of a line: NEL and the two
 * separators, at which Python's `str.splitlines` splits. JSON escapes all other characters at which it
 * splits.
 */
const WIDE_LINE_BREAKS = [
  ["\u0085", "\\u0085"],
  ["\u2028", "\\u2028"],
  ["\u2029", "\\u2029"],
] as const;
const [OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, QUOTE, BACKSLASH] = [0x7b, 0x7d, 0x5b, 0x22, 0x5c];
const [LF, CR, SPACE, FIRST_WIDE] = [0x0a, 0x0d, 0x20, 0x80];

/**
 * Encodes events as UTF-8 JSON on one line, without a line break at the end. A payload that is a JSON object
 * or array is included as written (numbers keep every digit), except that line breaks between its tokens
 * become spaces, and U+0085, U+2028 and U+2029 become escapes. Owned by a service that encodes each event it
 * accepts; reuses its memory, which grows to the largest event.
 */
export class EventEncoder {
  #bytes = new Uint8Array(FIRST_BYTES);
  #timeMs = Number.NaN;
  #time = "";

  /**
   * Encodes one event. The result is a view that is valid until the next call.
   * @throws BrokerError PAYLOAD_TOO_LARGE
   */
  encode(id: string, topic: Topic | undefined, timeMs: number, payload: Uint8Array): Uint8Array {
    checkPayload(payload);
    const about = topic === undefined ? "" : `"topic":"${topic}",`;
    const head = `{"id":"${id}",${about}"time":"${this.#timeOf(timeMs)}",`;
    if (isPlainText(payload)) return this.#join(`${head}"data":"`, payload, '"}');
    const member = dataMember(payload);
    if (member === undefined) return this.#join(`${head}"data":`, payload, "}");
    return encoder.encode(`${head}${member}}`);
  }

  /** Formats a time; most events come in the same millisecond as the one before. */
  #timeOf(timeMs: number): string {
    if (timeMs !== this.#timeMs) {
      this.#timeMs = timeMs;
      this.#time = new Date(timeMs).toISOString();
    }
    return this.#time;
  }

  /**
   * Joins a payload with ASCII before and after it. `before` was concatenated, so reading its characters one
   * by one would cost twice as much as the encoder.
   */
  #join(before: string, payload: Uint8Array, after: string): Uint8Array {
    const length = before.length + payload.length + after.length;
    if (length > this.#bytes.length) this.#bytes = new Uint8Array(2 * length);
    const bytes = this.#bytes;
    let at = encoder.encodeInto(before, bytes).written;
    bytes.set(payload, at);
    at += payload.length;
    for (let index = 0; index < after.length; index += 1, at += 1) bytes[at] = after.charCodeAt(index);
    return bytes.subarray(0, length);
  }
}

/** Encodes one event into memory of its own; see EventEncoder. @throws BrokerError PAYLOAD_TOO_LARGE */
export function encodeEvent(
  id: string,
  topic: Topic | undefined,
  time: Date,
  payload: Uint8Array,
): Uint8Array {
  return new EventEncoder().encode(id, topic, time.getTime(), payload);
}

/**
 * Returns the payload unchanged.
 * @throws BrokerError PAYLOAD_TOO_LARGE
 */
export function checkPayload(payload: Uint8Array): Uint8Array {
  if (payload.length <= MAX_PAYLOAD_BYTES) return payload;
  throw new BrokerError(
    "PAYLOAD_TOO_LARGE",
    `the payload has ${payload.length} bytes, at most ${MAX_PAYLOAD_BYTES} are accepted: publish a link to large data`,
  );
}

/**
 * Parses an encoded event.
 * @throws BrokerError BAD_EVENT
 */
export function parseEvent(json: string): Event {
  try {
    const event: unknown = JSON.parse(json);
    if (typeof event === "object" && event !== null && "id" in event && typeof event.id === "string") {
      return event as Event;
    }
  } catch (cause) {
    throw new BrokerError("BAD_EVENT", `${quote(json)} is not JSON: check who publishes to user.*`, {
      cause,
    });
  }
  throw new BrokerError("BAD_EVENT", `${quote(json)} is not an event: it needs an "id"`);
}

/**
 * Whether bytes from NATS may be written to a stream as an encoded event: one pair of braces, no line break.
 * This preserves the framing of SSE and NDJSON, whatever the source of the bytes; they are not parsed. Raw
 * U+0085, U+2028 and U+2029 are accepted: they break no framing, and a graph of an earlier release sends
 * them.
 */
export function looksEncoded(bytes: Uint8Array): boolean {
  return (
    bytes[0] === OPEN_BRACE &&
    bytes[bytes.length - 1] === CLOSE_BRACE &&
    bytes.indexOf(LF) === -1 &&
    bytes.indexOf(CR) === -1
  );
}

/** Returns the payload of an event as text for a person: text unchanged, anything else as JSON. */
export function textOf(event: Event): string {
  if (event.data_base64 !== undefined) return event.data_base64;
  return typeof event.data === "string" ? event.data : JSON.stringify(event.data);
}

/** Whether a payload is text that is its own JSON string: ASCII without quotes, escapes or line breaks. */
function isPlainText(payload: Uint8Array): boolean {
  let first = SPACE;
  for (let at = 0; at < payload.length; at += 1) {
    const byte = payload[at] as number;
    if (byte < SPACE || byte >= FIRST_WIDE || byte === QUOTE || byte === BACKSLASH) return false;
    if (first === SPACE) first = byte;
  }
  return first !== OPEN_BRACE && first !== OPEN_BRACKET;
}

/** Returns the member with a payload; undefined if it is `data` with the payload exactly as it is. */
function dataMember(payload: Uint8Array): string | undefined {
  let text: string;
  try {
    text = decoder.decode(payload);
  } catch {
    return `"data_base64":"${toBase64(payload)}"`; // not UTF-8: transported as it is
  }
  const isAscii = text.length === payload.length;
  const isJson = isJsonContainer(text);
  if (isJson && isAscii && !text.includes("\n") && !text.includes("\r")) return undefined;
  const value = isJson ? text.replace(LINE_BREAK, " ") : JSON.stringify(text);
  return `"data":${isAscii ? value : escapeWideLineBreaks(value)}`;
}

/**
 * These characters can only occur inside a JSON string, where an escape has the same meaning. Searching costs
 * a fifth of a RegExp.
 */
function escapeWideLineBreaks(json: string): string {
  let escaped = json;
  for (const [unit, written] of WIDE_LINE_BREAKS)
    if (escaped.includes(unit)) escaped = escaped.replaceAll(unit, written);
  return escaped;
}

function isJsonContainer(text: string): boolean {
  const first = text.trimStart()[0];
  if (first !== "{" && first !== "[") return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false; // it only looked like JSON, and is sent as text
  }
}

function toBase64(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}
