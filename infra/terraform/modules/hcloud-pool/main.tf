# Machines, one for each host of the topology. Deliberately hard to lose: nothing here replaces one that exists, except
# `-replace` and its name's disappearance from the topology.

locals {
  # Hosts whose names differ in the last digit share a group: at most ten, as Hetzner wants it, and always the same ones,
  # because a running machine cannot change its group. (A host's name has no capital letter.)
  group_of = { for name in keys(var.hosts) : name => replace(name, "/[0-9]$/", "X") }
}

# Those of a group stand on different metal.
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

  # services get their SIGTERM before the machine goes
  shutdown_before_deletion = true
  # Hetzner wants both alike
  delete_protection  = var.protect && contains(each.value.roles, "graph")
  rebuild_protection = var.protect && contains(each.value.roles, "graph")

  public_net {
    ipv4_enabled = each.value.has_a_public
    ipv6_enabled = each.value.has_a_public
  }

  network {
    network_id = var.network_id
    ip         = each.value.private
    # unset, the provider detaches and attaches the network in every apply (its issue 650)
    alias_ips = []
  }

  lifecycle {
    # What can only be changed by making a machine anew is the new machines' business: replace the others by hand, one by
    # one (docs/deploy.md).
    ignore_changes = [image, location, ssh_keys, user_data]
  }
}
