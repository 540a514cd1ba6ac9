// What can go wrong while a deployment is prepared or its lab runs. Callers match codes.

import { EnckeError } from "../lib/errors.ts";

export type InfraErrorCode =
  | "BAD_TOPOLOGY" // the topology file says something that cannot be
  | "BAD_OUTPUTS" // what Terraform printed does not fit the topology
  | "NOT_BUILT" // a release needs dist/, and this checkout has none
  | "TOOL_FAILED" // a program that we called ended with an error
  | "LAB_UNFIT" // this machine cannot run the lab
  | "LAB_BUSY" // a lab is up already, or what was left of one lies in the way
  | "LAB_FAILED" // a step of the lab did not do what it must
  | "USAGE"; // wrong arguments

export class InfraError extends EnckeError<InfraErrorCode> {}
