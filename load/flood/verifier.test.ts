import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { describe, it } from "node:test";
import { parseUserId } from "../../broker/contract.ts";
import { ScriptedServer } from "../../test/support/scripted-server.ts";
import { waitFor } from "../../test/support/wait-for.ts";
import { Verifier } from "./verifier.ts";

const HEAD = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const reader = parseUserId("7");

describe("verifier", () => {
  async function verify(
    play: (verifier: Verifier, write: (text: string) => void) => Promise<void>,
  ): Promise<ReturnType<Verifier["close"]>> {
    let socket: Socket | undefined;
    const server = await ScriptedServer.start((opened) => {
      socket = opened;
      opened.write(HEAD);
    });
    const verifier = new Verifier("run");
    await verifier.openReader(new URL(`http://127.0.0.1:${server.port}/1`), reader, ["42"]);
    await play(verifier, (text) => socket?.write(`${(text.length + 1).toString(16)}\r\n${text}\n\r\n`));
    const verdict = verifier.close();
    server.stop();
    return verdict;
  }
  const event = (seq: number): string => JSON.stringify({ data: { run: "run", from: "42", seq, sentUs: 1 } });

  const resync = '{"resync":{"reason":"graph-reconnected"}}';

  it("gap before a resync - counts as reported, and late messages as neither", async () => {
    const { lost, told, resyncs } = await verify(async (verifier, write) => {
      for (let sent = 0; sent < 4; sent += 1) verifier.numberOf("42");
      for (const line of [event(1), event(4), resync, event(2)]) write(line);
      await waitFor("three events", () => verifier.received === 3);
    });
    assert.deepEqual({ lost, told, resyncs }, { lost: 0, told: 1, resyncs: 1 });
  });

  it("gap after the last resync - counts as lost", async () => {
    const { lost, told } = await verify(async (verifier, write) => {
      for (let sent = 0; sent < 2; sent += 1) verifier.numberOf("42");
      for (const line of [event(1), resync, event(2)]) write(line);
      await waitFor("the message after the resync", () => verifier.received === 2);
      verifier.numberOf("42");
    });
    assert.deepEqual({ lost, told }, { lost: 1, told: 0 });
  });
});
