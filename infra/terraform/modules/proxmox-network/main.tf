# The private network over which the services communicate: its own VLAN on every node of the cluster (Proxmox
# SDN), or, without a tag, the plain bridge.

locals {
  # Proxmox allows eight letters and digits; the tag makes the ID unique per deployment.
  id   = var.vlan == null ? null : "enc${var.vlan}"
  vlan = toset(var.vlan == null ? [] : [tostring(var.vlan)])
}

# The resources below only prepare changes of the SDN, and an applier applies them. All of them depend on this
# one, so that it applies their removal after they were destroyed.
resource "proxmox_sdn_applier" "destroyed" {
  for_each = local.vlan

  on_create = false
}

resource "proxmox_sdn_zone_vlan" "this" {
  for_each = local.vlan

  id     = local.id
  bridge = var.bridge

  depends_on = [proxmox_sdn_applier.destroyed]
}

resource "proxmox_sdn_vnet" "this" {
  for_each = local.vlan

  id    = local.id
  zone  = proxmox_sdn_zone_vlan.this[each.key].id
  tag   = var.vlan
  alias = var.name
}

resource "proxmox_sdn_applier" "made" {
  for_each = local.vlan

  on_destroy = false
  depends_on = [proxmox_sdn_vnet.this]

  lifecycle {
    replace_triggered_by = [proxmox_sdn_zone_vlan.this[each.key], proxmox_sdn_vnet.this[each.key]]
  }
}
