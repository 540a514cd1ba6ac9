# With a mocked provider: a VLAN of the deployment's own, or none.

mock_provider "proxmox" {}

variables {
  name   = "small"
  bridge = "vmbr0"
}

run "no_vlan" {
  assert {
    condition     = output.bridge == "vmbr0" && length(proxmox_sdn_vnet.this) == 0
    error_message = "Machines are put on the bridge as it is."
  }
}

run "vlan" {
  variables {
    vlan = 4094
  }

  assert {
    condition     = output.bridge == "enc4094" && proxmox_sdn_vnet.this["4094"].tag == 4094
    error_message = "Machines are put on the VLAN's bridge."
  }
}

run "no_such_tag" {
  command = plan

  variables {
    vlan = 4095
  }

  expect_failures = [var.vlan]
}
