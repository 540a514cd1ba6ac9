// The files of the live page, read once at the start from the folder next to this file.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Asset } from "./services.ts";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** Maps paths on the edge to files. */
export function loadAssets(): ReadonlyMap<string, Asset> {
  const folder = join(dirname(fileURLToPath(import.meta.url)), "page");
  const assets = new Map<string, Asset>();
  for (const name of readdirSync(folder)) {
    const contentType = TYPES[extname(name)];
    if (contentType === undefined) continue;
    assets.set(name === "index.html" ? "/" : `/${name}`, {
      contentType,
      body: readFileSync(join(folder, name), "utf8"),
    });
  }
  return assets;
}
