// What stands between a server and its address, in words.

import { codeOf } from "../../lib/errors.ts";

/** By the code of Node or the operating system. */
const PROBLEMS: Readonly<Record<string, string>> = {
  EADDRINUSE: "is taken",
  EACCES: "may not be used",
  EPERM: "may not be used",
  EADDRNOTAVAIL: "is not an address of this machine",
  EINVAL: "is no address to listen on",
  EAFNOSUPPORT: "is of a kind that this machine does not speak",
  ENOTFOUND: "is no name that is known here",
  EAI_AGAIN: "is no name that can be looked up at the moment",
  ENOENT: "is in a folder that is not there",
  ENOTDIR: "is in a folder that is none",
};

/** What follows the address in a message; undefined for an error that says nothing about it. */
export function listenProblemOf(error: unknown): string | undefined {
  return PROBLEMS[codeOf(error) ?? ""];
}
