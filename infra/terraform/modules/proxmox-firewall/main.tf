# What may reach machines: readers reach gateways, operators reach SSH, and hosts of the private network reach
# everything, because nftables filters there (infra/ansible/roles/base). The rules are those of Hetzner. They
# apply only if the firewall of the datacenter is enabled (Datacenter, Firewall, Options); because that
# firewall also protects the Proxmox nodes themselves, you enable it yourself. A node then tracks every stream
# of its gateways, so raise its nf_conntrack_max above their sum.

locals {
  inner = concat(
    [{ source = var.network, proto = "", dport = "", comment = "private network" }],
    [for cidr in var.operators : { source = cidr, proto = "tcp", dport = "22", comment = "SSH" }],
    [{ source = "", proto = "icmp", dport = "", comment = "path MTU and ping" }],
  )
  gateway = concat(local.inner, [{ source = "", proto = "tcp", dport = "80,443", comment = "readers" }])
}

# A replaced machine has no rules, although its name is the same.
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

  # The rules must come first, or the machine would briefly drop everything, including its operators.
  depends_on = [proxmox_virtual_environment_firewall_rules.this]

  lifecycle {
    replace_triggered_by = [terraform_data.machine[each.key]]
  }
}
