// What can go wrong in this room. Codes are stable; callers match them, never the text.

import { EnckeError } from "../lib/errors.ts";

export type GraphErrorCode =
  | "GRAPH_DIR_BUSY" // another process, or this one already, has the directory open
  | "GRAPH_DIR_FOREIGN" // the directory holds something that is not a graph
  | "GRAPH_HALF_LOADED" // a bulk load did not finish
  | "GRAPH_DAMAGED" // LevelDB or a row cannot be read
  | "GRAPH_DISK_FAILED" // the disk is full or fails: nothing is written until it takes writes again
  | "GRAPH_REOPENING" // the directory is being opened again after a failed write
  | "GRAPH_OVERLOADED" // more changes or events are waiting than may
  | "GRAPH_CUT_OFF" // NATS went away in the middle of an event
  | "GRAPH_SERVED_ALREADY" // another graph service answers on this NATS, for one of our partitions
  | "GRAPH_OTHER_PARTITIONS" // the directory holds other partitions than are wanted
  | "GRAPH_PARTITION_AWAY" // another partition's owner did not answer
  | "GRAPH_UNMAPPED" // the broker does not split the topics as the service does
  | "BACKUP_FAILED" // a backup could not be written
  | "BAD_BACKUP" // the file to restore is no whole backup
  | "BAD_FOLLOWS_FILE" // the file to load cannot be used at all
  | "LOAD_STOPPED" // somebody stopped a bulk load before it wrote anything
  | "BAD_REQUEST"; // a request's payload is not of the documented form

export class GraphError extends EnckeError<GraphErrorCode> {}
