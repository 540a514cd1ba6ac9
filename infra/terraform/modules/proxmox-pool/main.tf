# Virtual machines on own metal: one for each host of the topology, cloned from a Debian 12 template with cloud-init.

resource "proxmox_virtual_environment_vm" "this" {
  for_each = var.hosts

  name      = each.key
  node_name = coalesce(each.value.node, var.default_node)
  tags      = [var.deployment]

  clone {
    vm_id     = var.template_id
    node_name = var.template_node
  }

  cpu {
    cores = each.value.size.cores
    # AES and AVX for TLS: the default type hides them
    type = "host"
  }

  memory {
    dedicated = each.value.size.memoryGb * 1024
  }

  network_device {
    bridge = var.bridge
    # packets of a million streams are many: one queue a core
    queues = min(each.value.size.cores, 16)
  }

  initialization {
    ip_config {
      ipv4 {
        address = "${each.value.private}/${split("/", var.network)[1]}"
        gateway = var.gateway
      }
    }

    user_account {
      username = "root"
      keys     = var.ssh_keys
    }
  }

  lifecycle {
    # a newer template is no reason to lose a machine
    ignore_changes = [clone]
  }
}
