# With a mocked provider: placement groups, addresses, and that machines are hard to lose.

mock_provider "hcloud" {
  mock_resource "hcloud_server" {
    defaults = { id = "7" }
  }
  mock_resource "hcloud_placement_group" {
    defaults = { id = "3" }
  }
}

variables {
  deployment   = "small"
  network_id   = 1
  firewall_ids = { gateway = [2, 3], inner = [3] }
  ssh_keys     = ["operator"]
  location     = "fsn1"
  hosts = {
    gw-9    = { roles = ["gateway"], private = "10.20.0.19", is_gateway = true, has_a_public = true, size = { hcloud = "ccx23" } }
    gw-10   = { roles = ["gateway"], private = "10.20.0.20", is_gateway = true, has_a_public = true, size = { hcloud = "ccx23" } }
    graph-1 = { roles = ["observe", "graph"], private = "10.20.0.31", is_gateway = false, has_a_public = false, size = { hcloud = "ccx13" } }
  }
}

run "machines" {
  assert {
    condition     = toset(keys(hcloud_placement_group.this)) == toset(["gw-X", "gw-1X", "graph-X"])
    error_message = "Hosts whose names differ only in the last digit must share a group."
  }

  assert {
    condition     = hcloud_server.this["graph-1"].delete_protection && hcloud_server.this["graph-1"].rebuild_protection
    error_message = "A graph host must be protected."
  }

  assert {
    condition     = !hcloud_server.this["gw-9"].delete_protection
    error_message = "A gateway must not be protected."
  }

  assert {
    condition     = hcloud_server.this["gw-9"].firewall_ids == toset([2, 3]) && hcloud_server.this["graph-1"].firewall_ids == toset([3])
    error_message = "Only gateways may have the ports for readers open."
  }

  assert {
    condition     = output.addresses["graph-1"] == "10.20.0.31"
    error_message = "A host without public addresses must be reached at its private one."
  }
}

run "graph_host_unprotected" {
  variables {
    protect = false
  }

  assert {
    condition     = !hcloud_server.this["graph-1"].delete_protection && !hcloud_server.this["graph-1"].rebuild_protection
    error_message = "protect = false must lift the protection of a graph host."
  }
}

run "no_machine_type" {
  command = plan

  variables {
    hosts = {
      gw-1 = { roles = ["gateway"], private = "10.20.0.11", is_gateway = true, has_a_public = true, size = {} }
    }
  }

  expect_failures = [var.hosts]
}

run "no_key" {
  command = plan

  variables {
    ssh_keys = []
  }

  expect_failures = [var.ssh_keys]
}
