// Finds free TCP ports.

import { type AddressInfo, createServer } from "node:net";
import { codeOf } from "./errors.ts";

/** How many ports above the first are tried before the system chooses one. */
const NEIGHBOURS = 20;

/**
 * Tells whether a server could listen on the port now. Errors other than "taken" are thrown, because they
 * would not go away.
 */
export async function isPortFree(host: string, port: number): Promise<boolean> {
  try {
    await tryToListen(host, port);
    return true;
  } catch (error) {
    if (codeOf(error) === "EADDRINUSE") return false;
    throw error;
  }
}

/** Returns `first` if it is free, else the nearest free port above it, else any free port. */
export async function freePortFrom(host: string, first: number): Promise<number> {
  for (let port = first; port < first + NEIGHBOURS && port <= 65_535; port += 1) {
    if (await isPortFree(host, port)) return port;
  }
  return anyFreePort(host);
}

/** Returns a port that the system has just found to be free. */
export function anyFreePort(host: string): Promise<number> {
  return tryToListen(host, 0);
}

/** Listens for a moment and returns the port. @throws Node's error */
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
