// Finding a TCP port that nobody listens on.

import { createServer } from "node:net";
import { codeOf } from "./errors.ts";

/** Neighbours tried before the system is asked for any port at all. */
const NEIGHBOURS = 20;

/** Whether a server could listen there now. Errors other than "taken" are thrown: they would not go away. */
export async function isPortFree(host: string, port: number): Promise<boolean> {
  const probe = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      probe.once("error", reject);
      probe.listen({ host, port, exclusive: true }, resolve);
    });
    return true;
  } catch (error) {
    if (codeOf(error) === "EADDRINUSE") return false;
    throw error;
  } finally {
    probe.close();
  }
}

/** `first` if it is free, else its nearest free neighbour above, else 0 (any). */
export async function freePortFrom(host: string, first: number): Promise<number> {
  for (let port = first; port < first + NEIGHBOURS && port <= 65_535; port += 1) {
    if (await isPortFree(host, port)) return port;
  }
  return 0;
}
