// The payload of an encoded event as a person reads it: text unquoted, everything else as it was written. An
// event ends with its `data` or `data_base64` member, and every member before it is a plain string, so it
// need not be parsed completely. The native pool does the same in edge/pool/native/src/payload_text.h.

/** Matches `{"id":"…",` and further plain members, up to the value of the last one. */
const HEAD = /^\{"id":"[^"\\]*",(?:"(?!data"|data_base64")[^"\\]*":"[^"\\]*",)*"(?:data|data_base64)":/;

/**
 * The escapes that encodeEvent makes in an object or array. After an escaped backslash, the same characters
 * are text.
 */
const ESCAPE = /\\(?:u(0085|2028|2029)|.)/gsu;

/** Returns the JSON itself if it does not have that form. */
export function payloadText(json: string): string {
  const head = HEAD.exec(json);
  if (head === null) return json;
  const value = json.slice(head[0].length, -1);
  if (!value.startsWith('"')) return value === "" ? json : asWritten(value);
  if (!value.endsWith('"')) return json;
  try {
    return JSON.parse(value) as string;
  } catch {
    return json; // not one complete string, so it is shown unchanged
  }
}

function asWritten(value: string): string {
  if (!value.includes("\\u")) return value;
  return value.replace(ESCAPE, (whole, hex?: string) =>
    hex === undefined ? whole : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
