// The errors of commands, in addition to those of the folders that a command uses. `encke` prints the message
// and derives the exit code from the error's code.

import { EnckeError } from "./errors.ts";

export type CommandErrorCode =
  | "USAGE" // flags or parameters that contradict each other, or one that is missing
  | "ADDRESS_TAKEN" // another process listens on the address
  | "REPLIED_ERROR" // the service replied with an error
  | "UNWRITABLE" // a file or folder that a flag names
  | "OUTPUT_LOST" // the result could not be written to standard output
  | "STOPPED" // Ctrl-C ended the command before its work was complete
  | "CHECK_FAILED"; // a verification found a fault

export class CommandError extends EnckeError<CommandErrorCode> {}
