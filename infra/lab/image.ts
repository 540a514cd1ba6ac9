// The Debian tree that every host of the lab stands on, and the packages that the roles add to it. Made once, kept in
// the project's cache; made again after it was deleted.

import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fetchPackages } from "../packages/fetch.ts";
import { run } from "../run.ts";
import { packages, tree } from "./places.ts";

/** What a cloud's Debian image has, as far as our roles and SSH need it. */
const INCLUDED =
  "ca-certificates,dbus,iproute2,kmod,netbase,openssh-server,procps,python3,python3-apt,systemd,systemd-sysv,udev";
const BUILD_MS = 600_000;

/** @throws InfraError TOOL_FAILED where mmdebstrap or apt cannot */
export async function makeImage(print: (line: string) => void, signal?: AbortSignal): Promise<void> {
  if (!existsSync(tree)) {
    print("the lab's Debian tree is made, once …");
    mkdirSync(dirname(tree), { recursive: true });
    const part = `${tree}.part`;
    rmSync(part, { recursive: true, force: true });
    const options = ["--variant=minbase", `--include=${INCLUDED}`, "--aptopt=APT::Install-Recommends false"];
    await run("mmdebstrap", [...options, "bookworm", part], { timeoutMs: BUILD_MS, signal });
    renameSync(part, tree);
  }
  if (!existsSync(packages)) {
    print("the roles' packages are fetched, once …");
    await fetchPackages(packages, join(tree, "var", "lib", "dpkg", "status"));
  }
}
