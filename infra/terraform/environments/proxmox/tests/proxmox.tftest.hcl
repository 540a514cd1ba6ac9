# With a mocked provider: what would be made, without metal. See the Hetzner tests.

mock_provider "proxmox" {}

variables {
  topology      = "../../../topology/small.json"
  endpoint      = "https://metal.encke.example:8006/"
  gateway       = "10.20.0.1"
  template_id   = 9000
  template_node = "metal-1"
  ssh_keys      = ["ssh-ed25519 AAAA operator"]
}

run "small" {
  assert {
    condition     = output.addresses["graph-1"] == "10.20.0.31"
    error_message = "Every host is reached at its private address."
  }
}

run "no_https" {
  command = plan

  variables {
    endpoint = "http://metal.encke.example:8006/"
  }

  expect_failures = [var.endpoint]
}
