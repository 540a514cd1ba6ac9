// The position in the head of a message that moves no edge further than it is. Stateless.

import type { Position } from "../history/sequences.ts";
import type { EdgeLink } from "../presence/edge-registry.ts";

/**
 * Returns what a message about the past names as the edge's position. An edge in step was sent everything
 * that is begun, and learns of that with acknowledgements, so the position that it was last sent may be lower
 * than its own. For an edge that catches up, what it was last sent is right: undefined.
 */
export function positionFor({ presence }: EdgeLink, begun: Position): Position | undefined {
  return presence.isInStep ? begun : undefined;
}
