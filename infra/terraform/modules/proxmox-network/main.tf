# The private network that services speak to each other in: a VLAN of its own on every metal of the cluster (Proxmox SDN),
# or, without a tag, the bridge as it is.

locals {
  # Proxmox allows eight letters and digits, and the tag tells deployments apart
  id   = var.vlan == null ? null : "enc${var.vlan}"
  vlan = toset(var.vlan == null ? [] : [tostring(var.vlan)])
}

# SDN is only prepared by the resources below; an applier makes it so. This one stands below them all to do it after
# they were destroyed.
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
