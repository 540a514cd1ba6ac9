import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { PeerCertificate } from "node:tls";
import { describeServers, identityOf, type NatsConfig, natsOptions } from "./nats-config.ts";

describe("NATS_URL and the credentials beside it", () => {
  it("bare, with scheme, several - become servers", () => {
    assert.deepEqual(natsOptions({ url: "10.0.0.1" }).servers, ["10.0.0.1:4222"]);
    assert.deepEqual(natsOptions({ url: "nats://a:1, b:2,tls://[::1]:3" }).servers, [
      "a:1",
      "b:2",
      "[::1]:3",
    ]);
  });

  it("user and password in the URL - count unless given beside it", () => {
    assert.deepEqual(credentials("nats://ann:p%40ss@h"), { user: "ann", pass: "p@ss", token: undefined });
    const options = natsOptions({ url: "nats://ann:old@h", user: "bob", password: "new" });
    assert.deepEqual([options.user, options.pass], ["bob", "new"]);
  });

  it("a name alone in the URL - is a token, as the NATS CLI reads it", () => {
    assert.deepEqual(credentials("nats://s3cret@h"), { user: undefined, pass: undefined, token: "s3cret" });
  });

  it("tls:// or a certificate - asks for TLS", () => {
    const filesOf = (config: NatsConfig): object => {
      const { checkServerIdentity: _, ...files } = natsOptions(config).tls as Record<string, unknown>;
      return files;
    };
    assert.deepEqual(filesOf({ url: "tls://h" }), {});
    assert.deepEqual(filesOf({ url: "h", ca: "/ca.pem", cert: "/c.pem", key: "/k.pem" }), {
      caFile: "/ca.pem",
      certFile: "/c.pem",
      keyFile: "/k.pem",
    });
    assert.equal(natsOptions({ url: "h" }).tls, undefined);
  });

  it("an nkey file - its seed is found among comments", () => {
    const path = join(tmpdir(), `encke-nkey-${process.pid}`);
    writeFileSync(path, "# mine\n\nSUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY\n");
    assert.equal(typeof natsOptions({ url: "h", nkey: path }).authenticator, "function");
  });

  it("what cannot be used - says so, without the password", () => {
    for (const url of ["", "http://h", "nats://", "nats://user:secret@ h"]) {
      assert.throws(
        () => natsOptions({ url }),
        ({ code, message }: Error & { code: string }) =>
          code === "BAD_NATS_URL" && !message.includes("secret"),
      );
    }
    assert.throws(() => natsOptions({ url: "h", creds: "/nowhere.creds" }), {
      code: "BAD_NATS_URL",
      message: /nowhere.creds/,
    });
  });

  it("describeServers - shows addresses, never credentials", () => {
    assert.equal(describeServers({ url: "nats://u:p@a:1,b:2" }), "nats://a:1, b:2");
  });
});

function credentials(url: string): object {
  const { user, pass, token } = natsOptions({ url });
  return { user, pass, token };
}

describe("nats server's certificate", () => {
  const certificate = {
    subject: { CN: "nats-1" },
    subjectaltname: "DNS:nats-1, IP Address:192.0.2.1",
  } as PeerCertificate;

  it("a server named by address - must show the certificate of a server that was named", () => {
    // what the client library asks for where it has no name
    assert.equal(identityOf(["192.0.2.1", "192.0.2.2"])("localhost", certificate), undefined);
    assert.match(String(identityOf(["192.0.2.2"])("localhost", certificate)), /does not match/);
  });

  it("a server named by name - must show its own", () => {
    assert.equal(identityOf(["nats-1", "nats-2"])("nats-1", certificate), undefined);
    assert.match(String(identityOf(["nats-1", "nats-2"])("nats-2", certificate)), /does not match/);
  });
});
