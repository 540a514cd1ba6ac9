# With a mocked provider: what would be made, without an account. Needs the provider's schema, so infra/terraform/check
# runs it where a mirror has the provider.

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
    error_message = "Every host has an address."
  }

  assert {
    condition     = output.balancer == null
    error_message = "No balancer stands before the gateways."
  }
}

run "a_gateway_leaves" {
  variables {
    leaving = ["gw-2"]
  }

  assert {
    condition     = length(output.addresses) == 6 && output.found == tolist(["gw-1"])
    error_message = "Its machine stays, and readers find the others."
  }
}

run "a_stranger_leaves" {
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
    error_message = "The balancer's address is known."
  }
}

run "private_hosts" {
  variables {
    all_public = false
  }

  assert {
    condition     = output.addresses["nats-1"] == "10.20.0.21" && output.addresses["gw-1"] == "192.0.2.7"
    error_message = "Only gateways are reached at public addresses."
  }
}

run "another_deployment" {
  command = plan

  variables {
    topology = "../../../topology/million.json"
  }

  expect_failures = [terraform_data.deployment]
}
