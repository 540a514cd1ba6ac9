// The formats' table as the addon takes it: once, when a pool is made.

import type { StreamFormat } from "../../formats/format.ts";
import { INSERTS } from "../../formats/template.ts";
import { CLOSE_REASONS, type CloseReason } from "../close-reasons.ts";
import type { NativeFormat } from "./addon.ts";

/** Stands where the addon puts each stream's own time to come back; no text has it otherwise. */
const TIME = 987_654_321;

export function nativeFormat(format: StreamFormat, reasons: readonly CloseReason[]): NativeFormat {
  return {
    event: format.event.map((part) => (typeof part === "string" ? part : INSERTS.indexOf(part.insert))),
    heartbeat: [new TextDecoder().decode(format.heartbeat.bytes)],
    goodbyes: reasons.map((reason) => {
      const { reconnect } = CLOSE_REASONS[reason];
      return format.goodbye(reason, reconnect ? TIME : undefined).split(String(TIME));
    }),
  };
}
