# With a mocked provider: where machines run, and that they are hard to lose.

mock_provider "proxmox" {
  mock_resource "proxmox_virtual_environment_vm" {
    defaults = { vm_id = 101 }
  }
}

variables {
  deployment    = "small"
  network       = "10.20.0.0/24"
  gateway       = "10.20.0.1"
  bridge        = "vmbr0"
  template_id   = 9000
  template_node = "metal-1"
  ssh_keys      = ["ssh-ed25519 AAAA operator"]
  hosts = {
    gw-1    = { roles = ["gateway"], private = "10.20.0.11", is_gateway = true, node = "metal-2", size = { cores = 4, memoryGb = 16 } }
    graph-1 = { roles = ["graph"], private = "10.20.0.31", is_gateway = false, size = { cores = 2, memoryGb = 8 } }
  }
}

run "machines" {
  assert {
    condition     = proxmox_virtual_environment_vm.this["gw-1"].node_name == "metal-2" && proxmox_virtual_environment_vm.this["graph-1"].node_name == "metal-1"
    error_message = "A host must run on its own node, or else on the node of the template."
  }

  assert {
    condition     = proxmox_virtual_environment_vm.this["graph-1"].protection && !proxmox_virtual_environment_vm.this["gw-1"].protection
    error_message = "A graph host must be protected."
  }

  assert {
    condition     = alltrue([for machine in proxmox_virtual_environment_vm.this : machine.network_device[0].firewall && machine.migrate])
    error_message = "Every machine must have a firewall and be able to move to another node."
  }

  assert {
    condition     = output.machines["gw-1"] == { node = "metal-2", vm_id = 101, is_gateway = true }
    error_message = "The firewall must be given its machine."
  }
}

run "graph_host_unprotected" {
  variables {
    protect = false
  }

  assert {
    condition     = !proxmox_virtual_environment_vm.this["graph-1"].protection
    error_message = "protect = false must lift the protection of a graph host."
  }
}

run "tiny_disk" {
  command = plan

  variables {
    disk = { gb = 2 }
  }

  expect_failures = [var.disk]
}

run "invalid_gateway" {
  command = plan

  variables {
    gateway = "10.20.0"
  }

  expect_failures = [var.gateway]
}
