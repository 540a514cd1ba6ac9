# With a mocked provider: which ports are open, and which networks of operators are refused.

mock_provider "hcloud" {
  mock_resource "hcloud_firewall" {
    defaults = { id = "2" }
  }
}

variables {
  name      = "small"
  operators = ["192.0.2.0/24", "2001:db8::/32"]
}

run "ports" {
  assert {
    condition     = toset([for rule in hcloud_firewall.operators.rule : rule.port if rule.protocol != "icmp"]) == toset(["22"])
    error_message = "Every host must have SSH open, and nothing else."
  }

  assert {
    condition     = alltrue([for rule in hcloud_firewall.operators.rule : rule.source_ips == toset(var.operators) if rule.port == "22"])
    error_message = "SSH must be open only to operators."
  }

  assert {
    condition     = toset([for rule in hcloud_firewall.gateway.rule : rule.port]) == toset(["80", "443"])
    error_message = "A gateway must have the ports for readers open, and nothing else."
  }

  assert {
    condition     = length(output.gateway_ids) == 2 && length(output.inner_ids) == 1
    error_message = "Only gateways may have the firewall for readers."
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

run "not_a_network" {
  command = plan

  variables {
    operators = ["192.0.2.7/24"]
  }

  expect_failures = [var.operators]
}
