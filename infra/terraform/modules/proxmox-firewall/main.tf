# What reaches machines: readers the gateways, operators SSH, and the private network everything, where nftables decides
# (infra/ansible/roles/base). The same rules as at Hetzner. They count only where the datacenter's firewall is on, which
# also guards the metal itself and is therefore yours to switch (Datacenter, Firewall, Options). The metal then tracks
# each stream of its gateways: raise its nf_conntrack_max above their sum.

locals {
  inner = concat(
    [{ source = var.network, proto = "", dport = "", comment = "private network" }],
    [for cidr in var.operators : { source = cidr, proto = "tcp", dport = "22", comment = "SSH" }],
    [{ source = "", proto = "icmp", dport = "", comment = "path MTU and ping" }],
  )
  gateway = concat(local.inner, [{ source = "", proto = "tcp", dport = "80,443", comment = "readers" }])
}

# A machine that was made anew has no rules, though its name is the same.
resource "terraform_data" "machine" {
  for_each = var.machines

  triggers_replace = each.value.vm_id
}

resource "proxmox_virtual_environment_firewall_rules" "this" {
  for_each = var.machines

  node_name = each.value.node
  vm_id     = each.value.vm_id

  dynamic "rule" {
    for_each = each.value.is_gateway ? local.gateway : local.inner

    content {
      type    = "in"
      action  = "ACCEPT"
      source  = rule.value.source
      proto   = rule.value.proto
      dport   = rule.value.dport
      comment = rule.value.comment
    }
  }

  lifecycle {
    replace_triggered_by = [terraform_data.machine[each.key]]
  }
}

resource "proxmox_virtual_environment_firewall_options" "this" {
  for_each = var.machines

  node_name     = each.value.node
  vm_id         = each.value.vm_id
  enabled       = true
  input_policy  = "DROP"
  output_policy = "ACCEPT"

  # never a moment in which a machine drops everything, its operators too
  depends_on = [proxmox_virtual_environment_firewall_rules.this]

  lifecycle {
    replace_triggered_by = [terraform_data.machine[each.key]]
  }
}
