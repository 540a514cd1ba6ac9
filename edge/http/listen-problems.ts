// Explains why a server cannot listen on its address.

import { codeOf } from "../../lib/errors.ts";

/** Indexed by the code of Node or the operating system. */
const PROBLEMS: Readonly<Record<string, string>> = {
  EADDRINUSE: "is taken",
  EACCES: "may not be used",
  EPERM: "may not be used",
  EADDRNOTAVAIL: "is not an address of this machine",
  EINVAL: "is not an address to listen on",
  EAFNOSUPPORT: "belongs to an address family that this machine does not support",
  ENOTFOUND: "is not a known host name",
  EAI_AGAIN: "cannot be looked up at the moment",
  ENOENT: "is in a folder that does not exist",
  ENOTDIR: "has a parent that is not a folder",
};

/**
 * Returns the explanation, which follows the address in a message; undefined for an error that is not about
 * the address.
 */
export function listenProblemOf(error: unknown): string | undefined {
  return PROBLEMS[codeOf(error) ?? ""];
}
