// What can go wrong in a command beyond what the rooms report.

import { EnckeError } from "../lib/errors.ts";

export type CliErrorCode =
  | "USAGE" // flags or parameters that do not go together
  | "ADDRESS_TAKEN" // somebody else listens there
  | "REPLIED_ERROR" // the service answered with an error
  | "UNWRITABLE" // a flag's file or folder
  | "OUTPUT_LOST" // standard output did not take the answer
  | "STOPPED" // by Ctrl-C, with something left undone
  | "CHECK_FAILED"; // a verification found what must not be

export class CliError extends EnckeError<CliErrorCode> {}
