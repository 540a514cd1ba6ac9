// Listening, with a backlog that survives storms of connections. With the native addon, each worker process
// opens its own socket on the shared port (SO_REUSEPORT), so that no other process is involved when it
// accepts. Without the addon, Node's cluster shares one socket.

import { lookup } from "node:dns/promises";
import type { Server } from "node:http";
import { isIP } from "node:net";
import { getSystemErrorName } from "node:util";
import { messageOf } from "../../lib/errors.ts";
import type { ListenAt } from "../config.ts";
import { EdgeError } from "../errors.ts";
import { listenProblemOf } from "../http/listen-problems.ts";
import type { PoolAddon } from "../pool/native/addon.ts";
import { descriptorOf } from "./descriptor.ts";

/**
 * Length of the queue in which a storm of connections waits instead of being refused. Node's default is 511.
 */
const BACKLOG = 16_384;

/** @throws EdgeError ADDRESS_TAKEN; Node's error for unexpected problems */
export async function listen(server: Server, at: ListenAt): Promise<void> {
  try {
    await untilListening(server, () => server.listen({ ...at, backlog: BACKLOG }));
  } catch (error) {
    throw explainListen(error, at);
  }
}

/**
 * Listens on a socket that only this process uses; other processes may listen on the same port. UNIX sockets
 * are opened by Node.
 * @throws the errors of `listen`; EdgeError BAD_CONFIG if connections would have no descriptors to hand over
 */
export async function listenShared(server: Server, at: ListenAt, addon: PoolAddon): Promise<void> {
  if ("path" in at) await listen(server, at);
  else {
    const fd = addon.listenFd(await addressOf(at), at.port, BACKLOG);
    if (fd < 0) {
      const code = getSystemErrorName(fd);
      throw explainListen(Object.assign(new Error(`listen ${code}`), { code }), at);
    }
    await untilListening(server, () => server.listen({ fd }, BACKLOG));
  }
  if (descriptorOf(server) >= 0) return;
  throw new EdgeError(
    "BAD_CONFIG",
    "connections of this server have no descriptors that the native pool could hold: pass --pool plain",
  );
}

function untilListening(server: Server, start: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.once("listening", () => {
      server.removeListener("error", reject);
      resolve();
    });
    start();
  });
}

async function addressOf(at: { readonly host: string; readonly port: number }): Promise<string> {
  if (isIP(at.host) !== 0) return at.host;
  try {
    return (await lookup(at.host)).address;
  } catch (error) {
    throw explainListen(error, at);
  }
}

/** Returns an EdgeError ADDRESS_TAKEN if the error is about the address; otherwise the error itself. */
export function explainListen(cause: unknown, at: ListenAt): unknown {
  const why = listenProblemOf(cause);
  if (why === undefined) return cause;
  const [where, flags] = "path" in at ? [at.path, "--listen"] : [`${at.host}:${at.port}`, "--host or --port"];
  return new EdgeError(
    "ADDRESS_TAKEN",
    `${where} ${why} (${messageOf(cause)}): choose another with ${flags}`,
    { cause },
  );
}
