// Explains errors to users in one line: what went wrong, and what to do about it. Our own errors contain
// both. An error of the operating system receives a remedy here, by its code. Any other error is a bug, and
// is shown with its stack.

import { codeOf, EnckeError, messageOf } from "../lib/errors.ts";
import { stackOf } from "../lib/guard.ts";

/** Remedies by the error codes of the operating system, and of Node. */
const REMEDIES: Readonly<Record<string, string>> = {
  EACCES: "give this user the permission, or choose another place",
  EADDRINUSE: "stop the process that listens there, or choose another port",
  EADDRNOTAVAIL: "choose an address of this machine",
  EAI_AGAIN: "check the name, and this machine's DNS",
  ECONNREFUSED: "start the server at that address, or check the address",
  ECONNRESET: "the other side ended the connection: see its log",
  EDQUOT: "free some space, or choose another disk",
  EEXIST: "choose another name, or move the existing file",
  EFBIG: "raise the limit of file sizes (ulimit -f)",
  EIO: "check the disk",
  EISDIR: "name a file, not a folder",
  ELOOP: "check the symbolic links of the path",
  EMFILE: "raise the limit of open files (ulimit -n)",
  ENAMETOOLONG: "choose a shorter name",
  ENFILE: "raise the machine's limit of open files (fs.file-max)",
  ENOENT: "check the path",
  ENOMEM: "free some memory",
  ENOSPC: "free some space, or choose another disk",
  ENOTDIR: "check the path: one of its folders is a file",
  ENOTEMPTY: "choose an empty folder",
  ENOTFOUND: "check the name",
  EPERM: "give this user the permission, or choose another place",
  EROFS: "choose a place that is writable",
  ETIMEDOUT: "check the address, and the network",
};
const OTHER_REMEDY = "check what the message names";

/** Returns one line for an error, several lines for invalid settings, and a stack for a bug. */
export function explain(error: unknown): string {
  if (error instanceof EnckeError) return error.message;
  const system = systemErrorOf(error);
  if (system === undefined) return stackOf(error);
  return `${messageOf(system)}: ${REMEDIES[codeOf(system) ?? ""] ?? OTHER_REMEDY}`;
}

/**
 * Finds the error of a system call: the error itself, the first of several attempts, or the cause of a failed
 * `fetch`.
 */
function systemErrorOf(error: unknown): Error | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error instanceof AggregateError) return systemErrorOf(error.errors[0]);
  if ("syscall" in error && typeof error.syscall === "string") return error;
  return error instanceof TypeError && error.message === "fetch failed"
    ? systemErrorOf(error.cause)
    : undefined;
}
