// Server-sent events, for EventSource in a browser. Source: WHATWG HTML, "Server-sent events".

import type { StreamFormat } from "./format.ts";
import { Frame } from "./frame.ts";
import { insert } from "./template.ts";

export const sse: StreamFormat = {
  name: "sse",
  contentType: "text/event-stream; charset=utf-8",
  welcome: ({ users, retryMs, cursor }) =>
    `id: ${cursor}\nretry: ${retryMs}\n: welcome ${users.join(",")}\n\n`,
  event: ["id: ", insert("cursor"), "\ndata: ", insert("json"), "\n\n"],
  heartbeat: new Frame(":\n\n"),
  resync: (reason) => `event: resync\ndata: {"reason":"${reason}"}\n\n`,
  goodbye: (reason, retryMs) =>
    `${retryMs === undefined ? "" : `retry: ${retryMs}\n`}event: goodbye\ndata: {"reason":"${reason}"}\n\n`,
};
