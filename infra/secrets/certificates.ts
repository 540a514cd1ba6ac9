// Makes an authority and certificates that it signs, with the openssl command. Keys exist in memory and,
// while openssl runs, in a temporary folder that is removed at once.

import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../run.ts";

/** The authority outlives its certificates. Both are renewed long before they expire (docs/deploy.md). */
const AUTHORITY_DAYS = 3_650;
const CERTIFICATE_DAYS = 825;

export interface Pair {
  readonly cert: string;
  readonly key: string;
}

const EC = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -sha256";

/** @throws InfraError TOOL_FAILED */
export function makeAuthority(name: string): Promise<Pair> {
  return inFolder(async (folder) => {
    const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
    const extensions = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign"];
    const added = extensions.flatMap((extension) => ["-addext", extension]);
    const subject = ["-subj", `/CN=${name}`, "-days", String(AUTHORITY_DAYS)];
    await run("openssl", [
      "req",
      "-x509",
      ...EC.split(" "),
      ...subject,
      ...added,
      "-keyout",
      key,
      "-out",
      cert,
    ]);
    return read(cert, key);
  });
}

/** Makes a certificate for clients and servers. @param names DNS:… and IP:… @throws InfraError */
export function makeCertificate(ca: Pair, name: string, names: readonly string[]): Promise<Pair> {
  return inFolder(async (folder) => {
    const file = (file: string): string => join(folder, file);
    writeFileSync(file("ca.pem"), ca.cert);
    writeFileSync(file("ca.key"), ca.key, { mode: 0o600 });
    writeFileSync(
      file("extensions"),
      `basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\nsubjectAltName=${names.join(",")}\n`,
    );
    const openssl = (args: string) => run("openssl", args.split(" "), { cwd: folder });
    await openssl(`req -new ${EC} -subj /CN=${name} -keyout key.pem -out request`);
    await openssl(
      `x509 -req -sha256 -in request -CA ca.pem -CAkey ca.key -set_serial 0x${randomBytes(15).toString("hex")} -days ${CERTIFICATE_DAYS} -extfile extensions -out cert.pem`,
    );
    return read(file("cert.pem"), file("key.pem"));
  });
}

function read(cert: string, key: string): Pair {
  return { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") };
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "encke-ca-"));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
