// Listening, with a backlog for storms. With the native addon each worker process opens its own socket on the shared
// port (SO_REUSEPORT), so that no other process stands in its accept path; without it, Node's cluster shares one.

import { lookup } from "node:dns/promises";
import type { Server } from "node:http";
import { isIP } from "node:net";
import { getSystemErrorName } from "node:util";
import { codeOf, messageOf } from "../../lib/errors.ts";
import type { ListenAt } from "../config.ts";
import { EdgeError } from "../errors.ts";
import type { PoolAddon } from "../pool/native/addon.ts";
import { descriptorOf } from "./descriptor.ts";

/** A storm of connections waits here instead of being refused; Node's default is 511. */
const BACKLOG = 16_384;

/** What may stand between us and an address, by Node's code. */
const PROBLEMS: Readonly<Record<string, string>> = {
  EADDRINUSE: "is taken",
  EACCES: "may not be used",
  EADDRNOTAVAIL: "is not an address of this machine",
};

/** @throws EdgeError ADDRESS_TAKEN, Node's error for anything unusual */
export async function listen(server: Server, at: ListenAt): Promise<void> {
  try {
    await untilListening(server, () => server.listen({ ...at, backlog: BACKLOG }));
  } catch (error) {
    throw explain(error, at);
  }
}

/**
 * Listens on a socket of this process's own, which other processes may have too. A UNIX socket is Node's to open.
 * @throws as `listen`; EdgeError BAD_CONFIG where connections would have no descriptors to hand over
 */
export async function listenShared(server: Server, at: ListenAt, addon: PoolAddon): Promise<void> {
  if ("path" in at) await listen(server, at);
  else {
    const { address } = isIP(at.host) ? { address: at.host } : await lookup(at.host);
    const fd = addon.listenFd(address, at.port, BACKLOG);
    if (fd < 0) {
      const code = getSystemErrorName(fd);
      throw explain(Object.assign(new Error(`listen ${code}`), { code }), at);
    }
    await untilListening(server, () => server.listen({ fd }, BACKLOG));
  }
  if (descriptorOf(server) >= 0) return;
  throw new EdgeError(
    "BAD_CONFIG",
    "connections of this server have no descriptors that the native pool could hold: say --pool plain",
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

function explain(cause: unknown, at: ListenAt): unknown {
  const why = PROBLEMS[codeOf(cause) ?? ""];
  if (why === undefined) return cause;
  const where = "path" in at ? at.path : `${at.host}:${at.port}`;
  return new EdgeError(
    "ADDRESS_TAKEN",
    `${where} ${why} (${messageOf(cause)}): choose another with --port or --listen`,
    { cause },
  );
}
