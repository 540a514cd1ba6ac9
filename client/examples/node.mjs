// Prints the events of a stream, and continues after the last one when it is started again:
//
//   node node.mjs "http://127.0.0.1:8080/stream?user=42" cursor.txt

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { follow } from "encke-client";

const [url, file] = process.argv.slice(2);
const cursor = existsSync(file) ? readFileSync(file, "utf8") : undefined;
const stream = follow(url, { format: "ndjson", ...(cursor && { cursor }) });
stream.addEventListener("lost", ({ detail }) => console.error(detail.message));
stream.addEventListener("cursor", ({ detail }) => writeFileSync(file, detail));

for await (const { topic = "to you", data } of stream) console.log(`${topic}: ${JSON.stringify(data)}`);
