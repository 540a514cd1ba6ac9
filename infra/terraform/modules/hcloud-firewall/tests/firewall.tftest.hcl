# With a mocked provider: what is open, and what operators may not be.

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
    error_message = "Every host has SSH open, and nothing else."
  }

  assert {
    condition     = alltrue([for rule in hcloud_firewall.operators.rule : rule.source_ips == toset(var.operators) if rule.port == "22"])
    error_message = "SSH is open to operators only."
  }

  assert {
    condition     = toset([for rule in hcloud_firewall.gateway.rule : rule.port]) == toset(["80", "443"])
    error_message = "A gateway has readers' ports open, and nothing else."
  }

  assert {
    condition     = length(output.gateway_ids) == 2 && length(output.inner_ids) == 1
    error_message = "Only gateways have readers' firewall."
  }
}

run "nobody_may_deploy" {
  command = plan

  variables {
    operators = []
  }

  expect_failures = [var.operators]
}

run "everybody_may_deploy" {
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
