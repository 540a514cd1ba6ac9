import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { PeerCertificate } from "node:tls";
import { tempDir } from "../test/support/temp-dir.ts";
import { describeServers, identityOf, natsOptions } from "./nats-config.ts";

const noOpenssl = spawnSync("openssl", ["version"]).status === 0 ? false : "no openssl on this machine";

/** Returns the paths of a self-signed certificate and of its key. */
function makeCertificate(): { readonly cert: string; readonly key: string } {
  const folder = tempDir();
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const how = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  execFileSync("openssl", [...how, "-subj", "/CN=nats-1", "-out", cert, "-keyout", key], { stdio: "ignore" });
  return { cert, key };
}

describe("NATS_URL and the credentials beside it", () => {
  it("an address - may be bare, have a scheme, or be a list", () => {
    assert.deepEqual(natsOptions({ url: "10.0.0.1" }).servers, ["10.0.0.1:4222"]);
    assert.deepEqual(natsOptions({ url: "nats://a:1, b:2,tls://[::1]:3" }).servers, [
      "a:1",
      "b:2",
      "[::1]:3",
    ]);
  });

  it("user and password in the URL - are used unless given beside it", () => {
    assert.deepEqual(credentials("nats://ann:p%40ss@h"), { user: "ann", pass: "p@ss", token: undefined });
    const options = natsOptions({ url: "nats://ann:old@h", user: "bob", password: "new" });
    assert.deepEqual([options.user, options.pass], ["bob", "new"]);
  });

  it("a user name alone in the URL - is a token, as in the NATS CLI", () => {
    assert.deepEqual(credentials("nats://s3cret@h"), { user: undefined, pass: undefined, token: "s3cret" });
  });

  it("tls:// or a certificate - requires TLS", () => {
    assert.deepEqual(Object.keys(natsOptions({ url: "tls://h" }).tls ?? {}), ["checkServerIdentity"]);
    assert.equal(natsOptions({ url: "h" }).tls, undefined);
  });

  it("certificates - are passed to the library by path, which reads them at every connect", {
    skip: noOpenssl,
  }, () => {
    const { cert, key } = makeCertificate();
    const options = natsOptions({ url: "h", ca: cert, cert, key }).tls as Record<string, unknown>;
    assert.deepEqual([options.caFile, options.certFile, options.keyFile], [cert, cert, key]);
    const other = makeCertificate();
    assert.throws(() => natsOptions({ url: "h", cert, key: other.key }), {
      code: "BAD_NATS_URL",
      message: new RegExp(`^NATS_KEY "${other.key}" cannot be used \\(.*key values mismatch\\)`),
    });
  });

  it("missing or malformed files - are reported with their variable", () => {
    const garbage = join(tempDir(), "garbage");
    writeFileSync(garbage, "garbage");
    for (const path of [garbage, "/nowhere", tmpdir()])
      for (const [config, variable] of [
        [{ creds: path }, "NATS_CREDS"],
        [{ nkey: path }, "NATS_NKEY"],
        [{ ca: path }, "NATS_CA"],
        [{ cert: path, key: path }, "NATS_CERT"],
      ] as const)
        assert.throws(() => natsOptions({ url: "h", ...config }), {
          code: "BAD_NATS_URL",
          message: new RegExp(`^${variable} "${path}" cannot be used \\(.*\\): check the path`),
        });
    assert.throws(() => natsOptions({ url: "h", cert: "/c.pem" }), {
      message: /set both NATS_CERT and NATS_KEY/,
    });
  });

  it("a stray % - is reported with its remedy, without the password", () => {
    for (const url of ["nats://ann%:secret@h", "nats://ann:secret%zz@h", "tls://secret%@h"])
      assert.throws(() => natsOptions({ url }), {
        code: "BAD_NATS_URL",
        message: /^user or password of "(nats|tls):\/\/…@h:4222" has a % .* write %25 for it/,
      });
    for (const url of ["nats://h%zz", "h%20h:4222"])
      assert.throws(() => natsOptions({ url }), { code: "BAD_NATS_URL", message: /is not a NATS address/ });
  });

  it("an nkey file - may contain comments besides its seed", () => {
    const path = join(tmpdir(), `encke-nkey-${process.pid}`);
    writeFileSync(path, "# mine\n\nSUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY\n");
    assert.equal(typeof natsOptions({ url: "h", nkey: path }).authenticator, "function");
  });

  it("an unusable address - is reported without the password", () => {
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

  it("describeServers - returns addresses, never credentials", () => {
    assert.equal(describeServers({ url: "nats://u:p@a:1,b:2" }), "nats://a:1, b:2");
  });
});

function credentials(url: string): object {
  const { user, pass, token } = natsOptions({ url });
  return { user, pass, token };
}

describe("certificate of a NATS server", () => {
  const certificate = {
    subject: { CN: "nats-1" },
    subjectaltname: "DNS:nats-1, IP Address:192.0.2.1",
  } as PeerCertificate;

  it("a server addressed by IP - must present the certificate of a configured server", () => {
    // what the client library compares with if it has no name
    assert.equal(identityOf(["192.0.2.1", "192.0.2.2"])("localhost", certificate), undefined);
    assert.match(String(identityOf(["192.0.2.2"])("localhost", certificate)), /does not match/);
  });

  it("a server addressed by name - must present its own certificate", () => {
    assert.equal(identityOf(["nats-1", "nats-2"])("nats-1", certificate), undefined);
    assert.match(String(identityOf(["nats-1", "nats-2"])("nats-2", certificate)), /does not match/);
  });
});
