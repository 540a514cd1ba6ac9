// Packs events with the fan-out's own writer into bytes, which a test may then damage.

import { FRAME_KIND, type FrameHead, FrameWriter } from "../../broker/contract.ts";

export interface PackedEvent {
  readonly handles: readonly number[];
  readonly id: string;
  readonly json: string;
}

const HEAD: FrameHead = { partition: 0, presenceEpoch: 1, number: 1, epoch: 1, sequence: 1 };

export function packFrame(events: readonly PackedEvent[], head: Partial<FrameHead> = {}): Buffer {
  const writer = new FrameWriter();
  for (const { handles, id, json } of events)
    writer.add(id, Buffer.from(json), Uint32Array.from(handles), handles.length);
  return Buffer.from(writer.take(FRAME_KIND.frame, { ...HEAD, ...head }));
}
