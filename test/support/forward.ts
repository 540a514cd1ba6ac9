// Passes one HTTP request on to an edge and its response back, as a reverse proxy does. The proxies of tests
// use it; either side that breaks ends the other.

import { type IncomingMessage, request, type ServerResponse } from "node:http";

/** @param onResponse called when the edge's response begins, before anything of it is passed back */
export function forward(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { host, port }: { readonly host: string; readonly port: number | string },
  onResponse: (response: IncomingMessage) => void = () => {},
): void {
  const { method, headers, url: path } = incoming;
  const passed = request({ host, port, method, path, headers });
  passed.on("response", (response) => {
    onResponse(response);
    outgoing.writeHead(response.statusCode ?? 502, response.headers);
    response.pipe(outgoing);
  });
  passed.on("error", () => outgoing.destroy());
  outgoing.on("close", () => passed.destroy());
  incoming.pipe(passed);
}
