// What a directory and a change log are to each other when a service starts. A wrong guess would serve rows
// that acknowledged changes are missing from, so whatever is not certain is refused, with a remedy. Pure.
//
// | directory                | no log, or an empty one    | a log with records                            |
// | ------------------------ | -------------------------- | --------------------------------------------- |
// | no place, no rows        | begin from an empty graph  | rebuild, if the log still has its first record |
// | no place, rows           | begin from these rows      | refuse                                        |
// | a place in this log      | refuse: records are gone   | apply what follows the place                  |
// | the same, changed since  | refuse                     | continue from its rows, if nothing follows    |
// | without the log          |                            | the place                                     |
// | a place in another log   | refuse                     | refuse                                        |

import { GraphError } from "../errors.ts";
import type { AppliedPlace } from "./applied.ts";
import type { LogState } from "./partition-log.ts";

export type Relation = "begin" | "rebuild" | "continue";

interface Facts {
  /** The name of the log. */
  readonly name: string;
  /** The number of partitions that the service works with. */
  readonly of: number;
  readonly place: AppliedPlace | undefined;
  /** Whether the directory holds no rows. */
  readonly isEmpty: boolean;
  readonly state: LogState | undefined;
  /** The id of the record at the place; undefined if the log does not hold it, or there is none. */
  readonly recordAtPlace: string | undefined;
  /** Whether the rows were changed without the log since. */
  readonly isOffLog: boolean;
  /** The id of the record after the place; undefined if there is none. */
  readonly recordAfterPlace: string | undefined;
}

/**
 * Returns how the directory follows the log. A layout record that a crash prevented is appended again.
 * @throws GraphError GRAPH_LOG_FOREIGN, GRAPH_OTHER_PARTITIONS
 */
export function relate(facts: Facts): Relation {
  return facts.place === undefined ? relateNew(facts) : relatePlaced(facts, facts.place);
}

function relateNew({ name, isEmpty, state }: Facts): Relation {
  if (state === undefined || state.last === 0) return "begin";
  if (!isEmpty)
    throw new GraphError(
      "GRAPH_LOG_FOREIGN",
      `the directory's rows are not from the change log ${name}, which holds records: restore a backup of the graph that uses this log into an empty folder; or, if this directory is to replace that graph, delete the stream ${name} first`,
    );
  if (state.first > 1) throw outOfReach(name, 1, state);
  return "rebuild";
}

function relatePlaced(facts: Facts, place: AppliedPlace): Relation {
  const { name, of, state, recordAtPlace, isOffLog, recordAfterPlace } = facts;
  if (place.of !== of)
    throw new GraphError(
      "GRAPH_OTHER_PARTITIONS",
      `the directory followed change logs of ${place.of} partitions, not of ${of}: export the graph and load it into a new folder`,
    );
  if (state === undefined) throw lost(name, "does not exist any more");
  if (state.createdMs !== place.createdMs) throw lost(name, "was deleted and created again");
  if (state.last < place.sequence)
    throw lost(name, `ends at record ${state.last}, before record ${place.sequence}, which was applied`);
  if (state.first > place.sequence + 1) throw outOfReach(name, place.sequence + 1, state);
  if (place.record !== undefined && recordAtPlace !== undefined && recordAtPlace !== place.record)
    throw lost(name, `has another record ${place.sequence} than the one that was applied`);
  // a layout record of this directory's service may be there already, if it was killed after that
  if (isOffLog && state.last > place.sequence && recordAfterPlace !== place.layout)
    throw new GraphError(
      "GRAPH_LOG_FOREIGN",
      `the directory was changed without the change log ${name}, which holds later records: restore a backup into an empty folder; or, if this directory is to replace that graph, export the graph and load it into a new folder, delete the stream, and serve the new folder`,
    );
  return "continue";
}

/** The directory may hold acknowledged changes that no log has any more. */
function lost(name: string, how: string): GraphError {
  return new GraphError(
    "GRAPH_LOG_FOREIGN",
    `the change log ${name} ${how}: restore the stream from a backup of NATS; or, if this directory has the newest rows, export the graph and load it into a new folder, delete the stream, and serve the new folder`,
  );
}

function outOfReach(name: string, needed: number, { first }: LogState): GraphError {
  return new GraphError(
    "GRAPH_LOG_FOREIGN",
    `the change log ${name} begins with record ${first}, and this directory needs record ${needed}: restore a newer backup with \`encke graph restore\` into an empty folder`,
  );
}
