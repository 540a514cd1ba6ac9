// The numbers of the kinds of change in what is stored permanently: the audit and the change log. A number is
// never reused.

import type { ChangeKind } from "./changes.ts";

export const CHANGE_CODES: Readonly<Record<ChangeKind, number>> = {
  subscribe: 1,
  unsubscribe: 2,
  block: 3,
  unblock: 4,
  mute: 5,
  unmute: 6,
};

const KINDS = new Map(Object.entries(CHANGE_CODES).map(([kind, code]) => [code, kind as ChangeKind]));

/** Returns the kind with a number; undefined if there is none. */
export function changeKindOf(code: number): ChangeKind | undefined {
  return KINDS.get(code);
}
