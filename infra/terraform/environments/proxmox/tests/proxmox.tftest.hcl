# With a mocked provider: what would be created, without a Proxmox cluster. See the tests for Hetzner.

mock_provider "proxmox" {
  mock_resource "proxmox_virtual_environment_vm" {
    defaults = { vm_id = 101 }
  }
}

variables {
  topology      = "../../../topology/small.json"
  endpoint      = "https://metal.encke.example:8006/"
  gateway       = "10.20.0.1"
  template_id   = 9000
  template_node = "metal-1"
  ssh_keys      = ["ssh-ed25519 AAAA operator"]
  operators     = ["192.0.2.0/24"]
}

run "small" {
  assert {
    condition     = output.addresses["graph-1"] == "10.20.0.31"
    error_message = "Every host must be reached at its private address."
  }

  assert {
    condition     = output.gateways == { gw-1 = "10.20.0.11", gw-2 = "10.20.0.12" }
    error_message = "The addresses of the gateways must be an output."
  }
}

run "on_a_vlan" {
  variables {
    vlan = 120
    disk = { datastore = "tank" }
  }

  assert {
    condition     = length(output.addresses) == 6
    error_message = "Every host must have an address."
  }
}

run "no_https" {
  command = plan

  variables {
    endpoint = "http://metal.encke.example:8006/"
  }

  expect_failures = [var.endpoint]
}

run "another_deployment" {
  command = plan

  variables {
    topology = "../../../topology/million.json"
  }

  expect_failures = [terraform_data.deployment]
}
