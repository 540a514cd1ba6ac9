// The readers of the end-to-end test and a producer that publishes numbered events, as a process in the
// network of the operator. It writes its tally to standard output as a JSON line four times per second.

import { createInterface } from "node:readline";
import { SignJWT } from "jose";
import { BrokerClient } from "../../broker/index.ts";
import { createLogger } from "../../lib/log.ts";
import { createTally, TlsReader } from "./tls-reader.ts";

const REPORT_MS = 250;
const PUBLISH_MS = 100;
/** One in four reads over HTTP/2. */
const HTTP2_EVERY = 4;
/** Readers that begin together; if all did, the test would measure this process. */
const BATCH = 20;
const BATCH_MS = 50;

/** What may change while readers are connected: addresses, authority, key of tokens, access to NATS. */
export type News = Partial<Pick<ReadersConfig, "addresses" | "ca" | "jwtKey" | "nats">>;

export interface ReadersConfig {
  readonly addresses: readonly string[];
  readonly domain: string;
  /** PEM. */
  readonly ca: string;
  readonly jwtKey: string;
  /** Readers are the users 2…streams + 1; all follow user 1. */
  readonly streams: number;
  readonly nats: Readonly<Record<"url" | "user" | "password" | "ca", string>>;
}

/** Keeps readers connected until the signal. @throws BrokerError if NATS refuses the producer */
export async function holdReaders(config: ReadersConfig, signal: AbortSignal): Promise<void> {
  const { addresses, domain, ca, streams } = config;
  const tally = createTally();
  const log = createLogger("lab", "warn");
  const produce = (nats: ReadersConfig["nats"]): Promise<BrokerClient> =>
    BrokerClient.connect(nats, { name: "lab producer", log, wait: true });
  let client = await produce(config.nats);
  const readers: TlsReader[] = [];
  const signFor = (index: number, key: string): Promise<string> =>
    new SignJWT({})
      .setProtectedHeader({ alg: "HS256" })
      .setSubject(String(index + 2))
      .setExpirationTime("2h")
      .sign(new TextEncoder().encode(key));
  const running: Promise<void>[] = [];
  const open = async (): Promise<void> => {
    for (let index = 0; index < streams && !signal.aborted; index += 1) {
      const token = await signFor(index, config.jwtKey);
      const protocol = index % HTTP2_EVERY === 0 ? "h2" : "http/1.1";
      const reader = new TlsReader({ addresses, domain, ca, token, protocol, tally });
      readers.push(reader);
      running.push(reader.run());
      if (index % BATCH === BATCH - 1) await new Promise((resolve) => setTimeout(resolve, BATCH_MS));
    }
  };
  let number = 0;
  const publishing = setInterval(() => {
    if (!client.connected) return; // an event that was never published is not lost
    number += 1;
    client.publish("event.1", JSON.stringify({ n: number }));
  }, PUBLISH_MS);
  const reporting = setInterval(() => {
    process.stdout.write(`${JSON.stringify({ ...tally, published: number })}\n`);
  }, REPORT_MS);
  const update = async ({ addresses, ca, jwtKey, nats }: News): Promise<void> => {
    for (const [index, reader] of readers.entries()) {
      const token = jwtKey === undefined ? {} : { token: await signFor(index, jwtKey) };
      reader.update({ ...(addresses && { addresses }), ...(ca && { ca }), ...token });
    }
    if (nats === undefined) return;
    const old = client;
    client = await produce(nats);
    await old.close();
  };
  await open();
  createInterface({ input: process.stdin }).on("line", (line) => void update(JSON.parse(line) as News));
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
    // the parent process has ended
    process.stdin.on("end", resolve);
  });
  clearInterval(publishing);
  clearInterval(reporting);
  for (const reader of readers) reader.stop();
  await Promise.all(running);
  await client.close();
}
