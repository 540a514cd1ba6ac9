// The article's stream, for people with curl: a welcome with the ids, then one line per message, numbered per
// connection.

import type { StreamFormat } from "./format.ts";
import { Frame } from "./frame.ts";
import { insert } from "./template.ts";

export const text: StreamFormat = {
  name: "text",
  contentType: "text/plain; charset=utf-8",
  welcome: ({ users }) => `Encke welcomes you! Your Id: ${users.join(",")}\n`,
  event: ["Recvd msg #", insert("number"), ": '", insert("text"), "'\n"],
  heartbeat: new Frame("\n"),
  resync: ({ reason, since }) =>
    `Some messages may be missing${since === undefined ? "" : ` since ${since}`} (${reason})\n`,
  refresh: () => "\n",
  goodbye: (reason) => `Goodbye (${reason})\n`,
  refusesInWords: false,
};

/** The article's sign of life, sent at an interval on request: a count appears between these two texts. */
export function tickTexts(users: readonly string[]): readonly [string, string] {
  return ["Chunk ", ` for id ${users.join(",")}\n`];
}
