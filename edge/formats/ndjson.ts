// Newline-delimited JSON, for programs: an event a line. A line that is no event has one key that says what it is.
// Heartbeats are a blank in front of the next line, which every JSON parser skips, so no reader ever sees an empty
// line.

import type { StreamFormat } from "./format.ts";
import { Frame } from "./frame.ts";
import { insert } from "./template.ts";

export const ndjson: StreamFormat = {
  name: "ndjson",
  contentType: "application/x-ndjson; charset=utf-8",
  welcome: () => " ",
  event: [insert("jsonOpen"), ',"cursor":"', insert("cursor"), '"}\n'],
  heartbeat: new Frame(" "),
  resync: (reason) => `{"resync":{"reason":"${reason}"}}\n`,
  goodbye: (reason, retryMs) => `${JSON.stringify({ goodbye: { reason, retryMs } })}\n`,
  refusesInWords: false,
};
