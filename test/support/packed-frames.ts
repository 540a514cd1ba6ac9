// Packs events with the fan-out's own writer into bytes, which a test may then damage.

import { FRAME_KIND, FrameWriter } from "../../broker/contract.ts";

export interface PackedEvent {
  readonly handles: readonly number[];
  readonly id: string;
  readonly json: string;
}

export function packFrame(events: readonly PackedEvent[], epoch = 1): Buffer {
  const writer = new FrameWriter(epoch);
  for (const { handles, id, json } of events)
    writer.add(id, Buffer.from(json), Uint32Array.from(handles), handles.length);
  return Buffer.from(writer.take(FRAME_KIND.frame));
}
