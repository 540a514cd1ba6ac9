# Machines, one for each host of the topology that is handed in. Those of one role stand on different metal.

resource "hcloud_placement_group" "this" {
  for_each = toset([for index in range(ceil(length(var.hosts) / var.spread)) : tostring(index)])

  name = "${var.name}-${each.key}"
  type = "spread"
}

resource "hcloud_server" "this" {
  for_each = var.hosts

  name        = each.key
  server_type = each.value.size.hcloud
  image       = var.image
  location    = var.location
  ssh_keys    = var.ssh_keys
  labels      = { deployment = var.deployment, pool = var.name }

  firewall_ids       = var.firewall_ids
  placement_group_id = hcloud_placement_group.this[tostring(floor(index(sort(keys(var.hosts)), each.key) / var.spread))].id

  public_net {
    ipv4_enabled = each.value.has_a_public
    ipv6_enabled = each.value.has_a_public
  }

  network {
    network_id = var.network_id
    ip         = each.value.private
  }

  lifecycle {
    # a newer image is no reason to lose a machine: replace it by hand, one by one (docs/deploy.md)
    ignore_changes = [image, ssh_keys]
  }
}
