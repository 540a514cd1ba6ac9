// Counts the resyncs that streams of this edge received, by reason. Written by the fan-out for live streams
// and by the seams for those of returning readers; the metrics read it.

import { RESYNC_REASONS, type ResyncReason } from "../broker/contract.ts";

export class ResyncCounts {
  readonly byReason: Record<ResyncReason, number> = Object.fromEntries(
    RESYNC_REASONS.map((reason) => [reason, 0]),
  ) as Record<ResyncReason, number>;

  note(reason: ResyncReason, streams = 1): void {
    this.byReason[reason] += streams;
  }
}
