// The errors of preparing a deployment and of running the lab. Callers match the codes.

import { EnckeError } from "../lib/errors.ts";

export type InfraErrorCode =
  | "BAD_TOPOLOGY" // the topology file breaks a rule
  | "BAD_OUTPUTS" // the outputs of Terraform do not match the topology
  | "NOT_BUILT" // a release needs dist/, which this checkout does not have
  | "TOOL_FAILED" // a program that we ran failed
  | "LAB_UNFIT" // this machine cannot run the lab
  | "LAB_BUSY" // a lab is running, or parts of an earlier one remain
  | "LAB_FAILED" // a step of the lab failed
  | "USAGE"; // wrong arguments

export class InfraError extends EnckeError<InfraErrorCode> {}
