#!/bin/sh
# Runs one host of the lab: a container with systemd as process 1, in its own cgroups and network namespace.
# It boots again after a reboot, and ends when its time is over. infra/lab/lab.ts starts it, and ends it by
# its cgroups.
#
#   host.sh NAME ROOT CONSOLE SECONDS CGROUP…
set -eu
name=$1 root=$2 console=$3 seconds=$4
shift 4
for cgroup; do echo $$ > "$cgroup/cgroup.procs"; done
exec </dev/null >>"$console" 2>&1
end=$(($(date +%s) + seconds))
# systemd-nspawn needs this folder if the machine itself does not run systemd
mkdir -p /run/systemd/inaccessible
while left=$((end - $(date +%s))) && [ "$left" -gt 0 ]; do
  status=0
  # Only the settings of its own network are writable. Unit and machine are not registered, because the
  # machine may not run systemd.
  SYSTEMD_NSPAWN_API_VFS_WRITABLE=network timeout --kill-after=10 "$left" \
    systemd-nspawn --quiet --directory="$root" --machine="$name" --boot --register=no --keep-unit --link-journal=no \
    --resolv-conf=off --console=pipe --capability=CAP_NET_ADMIN --network-namespace-path="/run/netns/encke-$name" ||
    status=$?
  # 133 means reboot
  [ "$status" = 133 ] || exit "$status"
done
