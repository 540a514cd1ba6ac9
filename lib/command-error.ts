// What can go wrong in a command beyond what the folders it uses report. `encke` prints the message and chooses the
// exit code by the error's code.

import { EnckeError } from "./errors.ts";

export type CommandErrorCode =
  | "USAGE" // flags or parameters that do not go together
  | "ADDRESS_TAKEN" // another process listens there
  | "REPLIED_ERROR" // the service replied with an error
  | "UNWRITABLE" // a flag's file or folder
  | "OUTPUT_LOST" // standard output did not take the result
  | "STOPPED" // by Ctrl-C, with something left undone
  | "CHECK_FAILED"; // a verification found what must not be

export class CommandError extends EnckeError<CommandErrorCode> {}
