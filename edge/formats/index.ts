// All stream formats, in the order in which the native pool numbers them.

import type { StreamFormat } from "./format.ts";
import { ndjson } from "./ndjson.ts";
import { sse } from "./sse.ts";
import { text } from "./text.ts";

export const FORMATS: readonly StreamFormat[] = [sse, ndjson, text];
