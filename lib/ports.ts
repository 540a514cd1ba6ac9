// Finding a TCP port that nobody listens on.

import { type AddressInfo, createServer } from "node:net";
import { codeOf } from "./errors.ts";

/** Neighbours tried before the system is asked for any port at all. */
const NEIGHBOURS = 20;

/** Whether a server could listen there now. Errors other than "taken" are thrown: they would not go away. */
export async function isPortFree(host: string, port: number): Promise<boolean> {
  try {
    await tryToListen(host, port);
    return true;
  } catch (error) {
    if (codeOf(error) === "EADDRINUSE") return false;
    throw error;
  }
}

/** `first` if it is free, else its nearest free neighbour above, else any. */
export async function freePortFrom(host: string, first: number): Promise<number> {
  for (let port = first; port < first + NEIGHBOURS && port <= 65_535; port += 1) {
    if (await isPortFree(host, port)) return port;
  }
  return anyFreePort(host);
}

/** A port that the system has just found free. */
export function anyFreePort(host: string): Promise<number> {
  return tryToListen(host, 0);
}

/** Listens for a moment; answers the port. @throws Node's error */
async function tryToListen(host: string, port: number): Promise<number> {
  const probe = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      probe.once("error", reject);
      // a worker process would otherwise ask its supervisor to share the port
      probe.listen({ host, port, exclusive: true }, resolve);
    });
    return (probe.address() as AddressInfo).port;
  } finally {
    probe.close();
  }
}
