// Newline-delimited JSON, for programs: one event per line. A line that is not an event has a single key,
// which names its kind. A heartbeat is a space before the next line, which every JSON parser skips, so no
// reader ever sees an empty line.

import type { StreamFormat } from "./format.ts";
import { Frame } from "./frame.ts";
import { insert } from "./template.ts";

export const ndjson: StreamFormat = {
  name: "ndjson",
  contentType: "application/x-ndjson; charset=utf-8",
  welcome: ({ cursor }) => (cursor === undefined ? " " : `${JSON.stringify({ cursor })}\n`),
  event: [insert("jsonOpen"), ',"cursor":"', insert("cursor"), '"}\n'],
  heartbeat: new Frame(" "),
  resync: (hole, cursor) => `${JSON.stringify({ resync: { ...hole, cursor } })}\n`,
  refresh: (cursor) => `${JSON.stringify({ cursor })}\n`,
  goodbye: (reason, retryMs) => `${JSON.stringify({ goodbye: { reason, retryMs } })}\n`,
  refusesInWords: false,
};
