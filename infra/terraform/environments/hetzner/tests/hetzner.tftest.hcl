# With a mocked provider: what would be created, without an account. It needs the schema of the provider, so
# infra/terraform/check runs it only if the provider is available.

mock_provider "hcloud" {
  mock_resource "hcloud_server" {
    defaults = {
      id           = "7"
      ipv4_address = "192.0.2.7"
      ipv6_address = "2001:db8::7"
    }
  }
  mock_resource "hcloud_network" {
    defaults = { id = "1" }
  }
  mock_resource "hcloud_firewall" {
    defaults = { id = "2" }
  }
  mock_resource "hcloud_placement_group" {
    defaults = { id = "3" }
  }
  mock_resource "hcloud_load_balancer" {
    defaults = {
      id   = "4"
      ipv4 = "192.0.2.44"
      ipv6 = "2001:db8::44"
    }
  }
}

variables {
  topology  = "../../../topology/small.json"
  ssh_keys  = ["operator"]
  operators = ["192.0.2.0/24"]
  dns_zone  = "encke.example"
}

run "by_dns" {
  assert {
    condition     = length(output.addresses) == 6
    error_message = "Every host must have an address."
  }

  assert {
    condition     = output.balancer == null
    error_message = "With dns there must be no balancer."
  }
}

run "a_gateway_leaves" {
  variables {
    leaving = ["gw-2"]
  }

  assert {
    condition     = length(output.addresses) == 6 && output.found == tolist(["gw-1"])
    error_message = "The machine must stay, and the records must have only the other gateways."
  }
}

run "an_unknown_host_leaves" {
  command = plan

  variables {
    leaving = ["gw-9"]
  }

  expect_failures = [output.found]
}

run "by_l4" {
  variables {
    entry = "l4"
  }

  assert {
    condition     = output.balancer == "192.0.2.44"
    error_message = "The address of the balancer must be an output."
  }
}

run "private_hosts" {
  variables {
    all_public = false
  }

  assert {
    condition     = output.addresses["nats-1"] == "10.20.0.21" && output.addresses["gw-1"] == "192.0.2.7"
    error_message = "Only gateways may be reached at public addresses."
  }
}

run "another_deployment" {
  command = plan

  variables {
    topology = "../../../topology/million.json"
  }

  expect_failures = [terraform_data.deployment]
}
