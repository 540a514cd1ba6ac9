// Everything that the end-to-end test does otherwise than docs/deploy.md says. Names and values (the deployment, a release,
// a backup) are variables in the text, and the lab sets its own (operator.ts).

/** Commands of the text that the lab does not run, and why. */
export const NOT_RUN: Readonly<Record<string, string>> = {
  deployment: "the lab's deployment has another name",
  "terraform-init": "needs an account at a cloud",
  "terraform-apply": "needs an account at a cloud",
  inventory: "no Terraform made the hosts: the lab runs inventory-private",
  packages: "the same code has fetched the packages once, and the lab keeps them",
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

/** What day two adds. */
export const DAY_TWO: readonly string[] = [
  "secrets-update",
  "drain",
  "site-nats",
  "repartition",
  "site-renewed",
];
