# One virtual machine per host of the topology, cloned from a Debian 12 template with cloud-init. Machines are
# deliberately hard to lose: an apply deletes an existing one only if its host is no longer in the topology,
# or if `-replace` names it.

resource "proxmox_virtual_environment_vm" "this" {
  for_each = var.hosts

  name      = each.key
  node_name = coalesce(each.value.node, var.template_node)
  tags      = [var.deployment]

  # A change of the node moves the machine; one that was moved by hand moves back.
  migrate = true
  # A new size takes effect when the operator has drained the machine and rebooted it through Proxmox.
  reboot_after_update = false
  protection          = var.protect && contains(each.value.roles, "graph")

  clone {
    vm_id     = var.template_id
    node_name = var.template_node
  }

  cpu {
    cores = each.value.size.cores
    # TLS needs AES and AVX, which the default type hides.
    type = "host"
  }

  memory {
    dedicated = each.value.size.memoryGb * 1024
  }

  disk {
    interface    = var.disk.interface
    datastore_id = var.disk.datastore
    size         = var.disk.gb
  }

  network_device {
    bridge   = var.bridge
    firewall = true
    # One queue per core, because a million streams send many packets.
    queues = min(each.value.size.cores, 16)
  }

  initialization {
    datastore_id = var.disk.datastore

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
    # These are used only when a machine is created, so a change affects only new machines.
    ignore_changes = [clone, initialization[0].datastore_id, initialization[0].user_account]
  }
}
