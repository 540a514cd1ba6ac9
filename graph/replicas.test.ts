import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { replicasFor } from "./replicas.ts";

const serverOf = (version: string, isClustered: boolean) => ({
  server: { id: "x", version, isClustered, hasJetStream: true },
});

describe("replicas", () => {
  it("nothing set - is one on a single server and three in a cluster", () => {
    assert.equal(replicasFor(serverOf("2.9.10", false), undefined), 1);
    assert.equal(replicasFor(serverOf("2.15.3", true), undefined), 3);
  });

  it("one - is always possible", () => assert.equal(replicasFor(serverOf("2.9.10", true), 1), 1));

  it("several on a single server - are refused with a remedy", () =>
    assert.throws(() => replicasFor(serverOf("2.15.3", false), 3), {
      code: "GRAPH_STREAMS_UNFIT",
      message: /3 replicas need a cluster.*--replicas 1/,
    }));

  for (const version of ["2.9.10", "2.10.29", "1.4.0"])
    it(`several on nats-server ${version} - are refused with the version that they need`, () =>
      assert.throws(() => replicasFor(serverOf(version, true), undefined), {
        code: "GRAPH_STREAMS_UNFIT",
        message: new RegExp(`nats-server ${version} does not keep .* install 2\\.11 or later`),
      }));

  for (const version of ["2.11.0", "2.15.3", "3.0.0-preview"])
    it(`several on nats-server ${version} - are possible`, () =>
      assert.equal(replicasFor(serverOf(version, true), 5), 5));
});
