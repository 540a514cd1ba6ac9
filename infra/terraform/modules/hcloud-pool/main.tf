# One machine per host of the topology. Machines are deliberately hard to lose: an apply deletes an existing
# one only if its host is no longer in the topology, or if `-replace` names it.

locals {
  # Hosts whose names differ only in the last digit share a group. That makes groups of at most ten, which is
  # Hetzner's limit, and keeps every host in the same group for good, because a running machine cannot change
  # its group. (The names of hosts have no capital letters, so X is free.)
  group_of = { for name in keys(var.hosts) : name => replace(name, "/[0-9]$/", "X") }
}

# The machines of a group run on different physical servers.
resource "hcloud_placement_group" "this" {
  for_each = toset(values(local.group_of))

  name   = "${var.deployment}-${each.key}"
  type   = "spread"
  labels = { deployment = var.deployment }
}

resource "hcloud_server" "this" {
  for_each = var.hosts

  name        = each.key
  server_type = each.value.size.hcloud
  image       = var.image
  location    = var.location
  ssh_keys    = var.ssh_keys
  labels      = { deployment = var.deployment, roles = join("_", sort(each.value.roles)) }

  firewall_ids       = each.value.is_gateway ? var.firewall_ids.gateway : var.firewall_ids.inner
  placement_group_id = hcloud_placement_group.this[local.group_of[each.key]].id

  # Services receive SIGTERM before the machine is deleted.
  shutdown_before_deletion = true
  # Hetzner requires both to be equal.
  delete_protection  = var.protect && contains(each.value.roles, "graph")
  rebuild_protection = var.protect && contains(each.value.roles, "graph")

  public_net {
    ipv4_enabled = each.value.has_a_public
    ipv6_enabled = each.value.has_a_public
  }

  network {
    network_id = var.network_id
    ip         = each.value.private
    # If unset, the provider detaches and attaches the network in every apply (its issue 650).
    alias_ips = []
  }

  lifecycle {
    # A change of these would replace the machine, so only new machines get it. Replace existing ones by hand,
    # one by one (docs/deploy.md).
    ignore_changes = [image, location, ssh_keys, user_data]
  }
}
