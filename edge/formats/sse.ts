// Server-sent events, for EventSource in a browser. Source: WHATWG HTML, section "Server-sent events".
//
// Other clients are less strict than browsers. Every block has data, because some clients deliver an empty
// message for a block without it, and an id, because some forget their id at a block without one. A heartbeat
// is only a comment line: an empty line after it would make it a block.

import type { StreamFormat } from "./format.ts";
import { Frame } from "./frame.ts";
import { insert } from "./template.ts";

export const sse: StreamFormat = {
  name: "sse",
  contentType: "text/event-stream; charset=utf-8",
  welcome: ({ users, retryMs, cursor }) => {
    const id = cursor === undefined ? "" : `id: ${cursor}\n`;
    return `${id}retry: ${retryMs}\n: welcome ${users.join(",")}\nevent: welcome\ndata: {}\n\n`;
  },
  event: ["id: ", insert("cursor"), "\ndata: ", insert("json"), "\n\n"],
  heartbeat: new Frame(":\n"),
  resync: (hole, cursor) => `id: ${cursor}\nevent: resync\ndata: ${JSON.stringify(hole)}\n\n`,
  refresh: (cursor) => `id: ${cursor}\nevent: cursor\ndata: {}\n\n`,
  goodbye: (reason, retryMs, cursor) => {
    const id = cursor === undefined ? "" : `id: ${cursor}\n`;
    const retry = retryMs === undefined ? "" : `retry: ${retryMs}\n`;
    return `${id}${retry}event: goodbye\ndata: {"reason":"${reason}"}\n\n`;
  },
  refusesInWords: true,
};
