# With a mocked provider: the same rules as at Hetzner.

mock_provider "proxmox" {}

variables {
  network   = "10.20.0.0/24"
  operators = ["192.0.2.0/24", "198.51.100.7/32"]
  machines = {
    gw-1    = { node = "metal-1", vm_id = 101, is_gateway = true }
    graph-1 = { node = "metal-2", vm_id = 102, is_gateway = false }
  }
}

run "ports" {
  assert {
    condition     = [for rule in proxmox_virtual_environment_firewall_rules.this["graph-1"].rule : "${rule.source} ${rule.proto} ${rule.dport}"] == ["10.20.0.0/24  ", "192.0.2.0/24 tcp 22", "198.51.100.7/32 tcp 22", " icmp "]
    error_message = "From outside, only SSH of operators and ICMP may reach a host."
  }

  assert {
    condition     = [for rule in proxmox_virtual_environment_firewall_rules.this["gw-1"].rule : rule.dport if rule.source == "" && rule.proto == "tcp"] == ["80,443"]
    error_message = "A gateway must have the ports for readers open, and nothing else."
  }

  assert {
    condition     = alltrue([for options in proxmox_virtual_environment_firewall_options.this : options.enabled && options.input_policy == "DROP"])
    error_message = "What no rule accepts must be dropped."
  }

  assert {
    condition     = output.guarded == tolist(["graph-1", "gw-1"])
    error_message = "The firewall of every machine must be enabled."
  }
}

run "no_operators" {
  command = plan

  variables {
    operators = []
  }

  expect_failures = [var.operators]
}

run "the_whole_internet" {
  command = plan

  variables {
    operators = ["0.0.0.0/0"]
  }

  expect_failures = [var.operators]
}
