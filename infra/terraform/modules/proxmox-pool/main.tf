# Virtual machines on own metal: one for each host of the topology, cloned from a Debian 12 template with cloud-init.
# Deliberately hard to lose: nothing here replaces one that exists, except `-replace` and its name's disappearance from
# the topology.

resource "proxmox_virtual_environment_vm" "this" {
  for_each = var.hosts

  name      = each.key
  node_name = coalesce(each.value.node, var.template_node)
  tags      = [var.deployment]

  # it moves to other metal, and back from where somebody else moved it
  migrate = true
  # a new size waits until it is drained, and rebooted by Proxmox
  reboot_after_update = false
  protection          = var.protect && contains(each.value.roles, "graph")

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

  disk {
    interface    = var.disk.interface
    datastore_id = var.disk.datastore
    size         = var.disk.gb
  }

  network_device {
    bridge   = var.bridge
    firewall = true
    # packets of a million streams are many: one queue a core
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
    # What is only asked for when a machine is made is the new machines' business.
    ignore_changes = [clone, initialization[0].datastore_id, initialization[0].user_account]
  }
}
