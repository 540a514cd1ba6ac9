# With a mocked provider: with and without a VLAN.

mock_provider "proxmox" {}

variables {
  name   = "small"
  bridge = "vmbr0"
}

run "no_vlan" {
  assert {
    condition     = output.bridge == "vmbr0" && length(proxmox_sdn_vnet.this) == 0
    error_message = "Without a VLAN, machines must be connected to the plain bridge."
  }
}

run "vlan" {
  variables {
    vlan = 4094
  }

  assert {
    condition     = output.bridge == "enc4094" && proxmox_sdn_vnet.this["4094"].tag == 4094
    error_message = "With a VLAN, machines must be connected to its bridge."
  }
}

run "invalid_tag" {
  command = plan

  variables {
    vlan = 4095
  }

  expect_failures = [var.vlan]
}
