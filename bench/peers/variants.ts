// The contenders. An Encke row is skipped, with a message, if this build lacks its pool or fan-out mode.

import { FANOUT_MODES, type FanoutMode } from "../../broker/index.ts";
import { POOL_KINDS, type PoolKind } from "../../edge/index.ts";
import { type Contender, startNodeServer } from "./contender.ts";
import { startEdge } from "./edge.ts";
import { startFloor } from "./floor.ts";
import { type Hello, helloHttp, helloSocketIo, helloWebSocket } from "./hello.ts";

export interface Variant {
  readonly name: string;
  readonly hello: Hello;
  start(streams: number): Promise<Contender>;
}

const ENCKE: readonly (readonly [pool: string, fanout: string])[] = [
  ["native", "frames"],
  ["native", "subject"],
  ["plain", "frames"],
  ["plain", "subject"],
];

const PEERS: readonly Variant[] = [
  { name: "ws", hello: helloWebSocket("/"), start: () => startNodeServer("ws") },
  { name: "node:http SSE", hello: helloHttp("/"), start: () => startNodeServer("node-sse") },
  {
    name: "socket.io",
    hello: helloSocketIo("/socket.io/?EIO=4&transport=websocket"),
    start: () => startNodeServer("socket-io"),
  },
  { name: "Hono streamText()", hello: helloHttp("/"), start: () => startNodeServer("hono-stream") },
];

/** Returns all contenders that this build can run, and the names of the rows that it cannot. */
export function listVariants(): { variants: Variant[]; skipped: string[] } {
  const floor: Variant = { name: "bare send() loop", hello: helloHttp("/"), start: startFloor };
  const variants: Variant[] = [floor];
  const skipped: string[] = [];
  for (const [pool, fanout] of ENCKE) {
    const name = `encke ${pool}, ${fanout}`;
    if (!includes(POOL_KINDS, pool) || !includes(FANOUT_MODES, fanout)) skipped.push(name);
    else
      variants.push({
        name,
        hello: helloHttp("/test/{id}"),
        start: (streams) => startEdge(pool, fanout, streams),
      });
  }
  return { variants: [...variants, ...PEERS], skipped };
}

function includes<Word extends PoolKind | FanoutMode>(words: readonly Word[], word: string): word is Word {
  return (words as readonly string[]).includes(word);
}
