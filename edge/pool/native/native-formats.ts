// Converts the table of formats to the form that the addon expects, once per pool.

import type { StreamFormat } from "../../formats/format.ts";
import { INSERTS } from "../../formats/template.ts";
import { CLOSE_REASONS, type CloseReason } from "../close-reasons.ts";
import type { NativeFormat, NativeParts } from "./addon.ts";

/** Placeholders for each stream's reconnect time and cursor, which no text contains otherwise. */
const TIME = 987_654_321;
const CURSOR = "~cursor~";
const PLACES = new RegExp(`(${TIME}|${CURSOR})`);
const [NUMBER_INSERT, CURSOR_INSERT] = [INSERTS.indexOf("number"), INSERTS.indexOf("cursor")];

export function nativeFormat(format: StreamFormat, reasons: readonly CloseReason[]): NativeFormat {
  return {
    event: format.event.map((part) => (typeof part === "string" ? part : INSERTS.indexOf(part.insert))),
    heartbeat: [new TextDecoder().decode(format.heartbeat.bytes)],
    refresh: partsOf(format.refresh(CURSOR)),
    goodbyes: reasons.map((reason) => partsOf(goodbyeIn(format, reason, CURSOR))),
    bareGoodbyes: reasons.map((reason) => partsOf(goodbyeIn(format, reason, undefined))),
  };
}

function goodbyeIn(format: StreamFormat, reason: CloseReason, cursor: string | undefined): string {
  return format.goodbye(reason, CLOSE_REASONS[reason].reconnect ? TIME : undefined, cursor);
}

function partsOf(text: string): NativeParts {
  return text
    .split(PLACES)
    .map((part) => (part === String(TIME) ? NUMBER_INSERT : part === CURSOR ? CURSOR_INSERT : part));
}
