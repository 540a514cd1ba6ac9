// Everything in which the end-to-end test deviates from docs/deploy.md. Names and values (the deployment, a
// release, a backup) are variables in the text, and the lab sets its own (operator.ts).

/** Commands of the text that the lab does not run, and why. */
export const NOT_RUN: Readonly<Record<string, string>> = {
  deployment: "the lab's deployment has another name",
  "terraform-init": "needs a cloud account",
  "terraform-apply": "needs a cloud account",
  inventory: "Terraform did not make the hosts: the lab runs inventory-private",
  packages: "the lab fetched the packages earlier, with the same code, and keeps them",
};

/** Commands that need npm's registry, which the network of the lab does not reach. */
export const NEEDS_REGISTRY: ReadonlySet<string> = new Set(["build"]);

/** Commands with which the end-to-end test ends a section of the text; it runs the whole section. */
export const FIRST_DAY: readonly string[] = [
  "verify",
  "packages-use",
  "publish",
  "rollback",
  "reboot",
  "restore",
];

/** Commands with which day two ends further sections. */
export const DAY_TWO: readonly string[] = [
  "secrets-update",
  "drain",
  "site-nats",
  "repartition",
  "site-renewed",
];
