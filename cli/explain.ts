// What went wrong as the one line that a user reads: what it was, and what to do about it. An error of ours says both by
// itself; one of the operating system gets its remedy here, by its code. Anything else is a bug and keeps its stack.

import { codeOf, EnckeError, messageOf } from "../lib/errors.ts";
import { stackOf } from "../lib/guard.ts";

/** By the codes of the operating system, and of Node where it speaks for it. */
const REMEDIES: Readonly<Record<string, string>> = {
  EACCES: "give this user the permission, or choose another place",
  EADDRINUSE: "stop what listens there, or choose another port",
  EADDRNOTAVAIL: "choose an address of this machine",
  EAI_AGAIN: "check the name, and this machine's DNS",
  ECONNREFUSED: "start what should listen there, or check the address",
  ECONNRESET: "the other side ended the connection: see its log",
  EDQUOT: "free some space, or choose another disk",
  EEXIST: "choose another name, or move away what is there",
  EFBIG: "raise the limit of a file's size (ulimit -f)",
  EIO: "check the disk",
  EISDIR: "name a file, not a folder",
  ELOOP: "check the symbolic links of the path",
  EMFILE: "raise the limit of open files (ulimit -n)",
  ENAMETOOLONG: "choose a shorter name",
  ENFILE: "raise the machine's limit of open files (fs.file-max)",
  ENOENT: "check the path",
  ENOMEM: "free some memory",
  ENOSPC: "free some space, or choose another disk",
  ENOTDIR: "check the path: a file stands where a folder should",
  ENOTEMPTY: "choose an empty folder",
  ENOTFOUND: "check the name",
  EPERM: "give this user the permission, or choose another place",
  EROFS: "choose a place that can be written",
  ETIMEDOUT: "check the address, and the network",
};
const OTHER_REMEDY = "check what it names";

/** One line for every error but a bug; several where settings are wrong, a line each. */
export function explain(error: unknown): string {
  if (error instanceof EnckeError) return error.message;
  const system = systemErrorOf(error);
  if (system === undefined) return stackOf(error);
  return `${messageOf(system)}: ${REMEDIES[codeOf(system) ?? ""] ?? OTHER_REMEDY}`;
}

/** The error of a system call: itself, the first of several attempts, or what `fetch` failed of. */
function systemErrorOf(error: unknown): Error | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error instanceof AggregateError) return systemErrorOf(error.errors[0]);
  if ("syscall" in error && typeof error.syscall === "string") return error;
  return error instanceof TypeError && error.message === "fetch failed"
    ? systemErrorOf(error.cause)
    : undefined;
}
