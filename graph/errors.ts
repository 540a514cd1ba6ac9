// The errors of this folder and what callers over NATS learn about each. Callers match the codes, which are
// stable, and never the texts.

import { type Disclosure, EnckeError } from "../lib/errors.ts";

const DISCLOSURES = {
  // a request's payload is not of the documented form
  BAD_REQUEST: { status: 400, shown: true },
  // too many changes or events are waiting
  GRAPH_OVERLOADED: { status: 503, shown: true },
  // the owner of another partition did not reply
  GRAPH_PARTITION_AWAY: { status: 503, shown: true },
  // the directory is being opened again after a failed write
  GRAPH_REOPENING: { status: 503, shown: true },
  // the service has not started yet
  GRAPH_STARTING: { status: 503, shown: true },
  // the change log cannot be written or read: the change may take effect later
  GRAPH_LOG_UNAVAILABLE: { status: 503, shown: true },
  // the change log holds a record that was not applied: the change was not made
  GRAPH_LOG_BEHIND: { status: 503, shown: true },
  // the disk is full or fails: nothing is written until it takes writes again
  GRAPH_DISK_FAILED: { status: 507, shown: true },
  // a backup could not be written
  BACKUP_FAILED: { status: 507, shown: true },
  // another process, or this one already, has the directory open
  GRAPH_DIR_BUSY: { status: 500, shown: false },
  // the directory holds something that is not a graph
  GRAPH_DIR_FOREIGN: { status: 500, shown: false },
  // a bulk load did not finish
  GRAPH_HALF_LOADED: { status: 500, shown: false },
  // LevelDB or a row cannot be read
  GRAPH_DAMAGED: { status: 500, shown: false },
  // another graph service on this NATS server owns one of our partitions
  GRAPH_SERVED_ALREADY: { status: 500, shown: false },
  // the directory holds other partitions than those to be served
  GRAPH_OTHER_PARTITIONS: { status: 500, shown: false },
  // the broker does not split the topics as the service does
  GRAPH_UNMAPPED: { status: 500, shown: false },
  // the streams of the events cannot be created or used
  GRAPH_STREAMS_UNFIT: { status: 500, shown: false },
  // the directory's rows do not follow from the change log, or the log does not reach back to them
  GRAPH_LOG_FOREIGN: { status: 500, shown: false },
  // the change log's stream would not keep records as it must
  GRAPH_LOG_REFUSED: { status: 500, shown: false },
  // a record of the change log is damaged, or from a later release
  GRAPH_LOG_UNREADABLE: { status: 500, shown: false },
  // the file to restore is not a complete backup
  BAD_BACKUP: { status: 500, shown: false },
  // the file to load cannot be used at all
  BAD_FOLLOWS_FILE: { status: 500, shown: false },
  // a bulk load was stopped before it wrote anything
  LOAD_STOPPED: { status: 500, shown: false },
} as const;

export type GraphErrorCode = keyof typeof DISCLOSURES;

export class GraphError extends EnckeError<GraphErrorCode> {
  override get disclosure(): Disclosure {
    return DISCLOSURES[this.code];
  }
}
