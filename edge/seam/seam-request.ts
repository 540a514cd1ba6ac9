// What a seam knows of its stream: who reads what, in which form, and since when.

import type { UserId } from "../../broker/contract.ts";
import type { StreamFormat } from "../formats/format.ts";

export interface SeamRequest {
  readonly cork: number;
  readonly users: readonly UserId[];
  readonly format: StreamFormat;
  readonly retryMs: number;
  /** Undefined for a new reader. */
  readonly presented: { readonly cursor: string | undefined } | undefined;
}
