# Run by infra/terraform/check, and by npm test where terraform or tofu is installed.

run "small" {
  command = plan

  variables {
    file = "../../../topology/small.json"
  }

  assert {
    condition     = output.by_role.nats == tolist(["nats-1", "nats-2", "nats-3"])
    error_message = "NATS nodes are found by their role."
  }

  assert {
    condition     = output.hosts["gw-1"].size.hcloud == "ccx23"
    error_message = "A host's size is looked up."
  }

  assert {
    condition     = output.network == "10.20.0.0/24"
    error_message = "The network is the file's."
  }
}

run "private_hosts" {
  command = plan

  variables {
    file       = "../../../topology/small.json"
    all_public = false
  }

  assert {
    condition     = [for name, host in output.hosts : name if host.has_a_public] == ["gw-1", "gw-2"]
    error_message = "Only gateways are public."
  }
}

run "missing_file" {
  command = plan

  variables {
    file = "there-is-none.json"
  }

  expect_failures = [var.file]
}
