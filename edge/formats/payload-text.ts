// The payload of an encoded event as a person reads it: text as it was, anything else as written. An event of ours ends
// with its `data` or `data_base64` member, and every member before it is a plain string, so it need not be parsed whole.
// The native pool does the same in edge/pool/native/src/payload_text.h.

/** `{"id":"…",` and further plain members, up to the value of the last one. */
const HEAD = /^\{"id":"[^"\\]*",(?:"(?!data"|data_base64")[^"\\]*":"[^"\\]*",)*"(?:data|data_base64)":/;

/** What encodeEvent escaped in an object or array; an escaped backslash before it makes it plain text. */
const ESCAPE = /\\(?:u(0085|2028|2029)|.)/gsu;

/** The JSON itself where it is not of that form. */
export function payloadText(json: string): string {
  const head = HEAD.exec(json);
  if (head === null) return json;
  const value = json.slice(head[0].length, -1);
  if (!value.startsWith('"')) return value === "" ? json : asWritten(value);
  if (!value.endsWith('"')) return json;
  try {
    return JSON.parse(value) as string;
  } catch {
    return json; // not one whole string: shown as it came
  }
}

function asWritten(value: string): string {
  if (!value.includes("\\u")) return value;
  return value.replace(ESCAPE, (whole, hex?: string) =>
    hex === undefined ? whole : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
