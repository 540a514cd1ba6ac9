# Run by infra/terraform/check, and by npm test if terraform or tofu is installed.

run "small" {
  command = plan

  variables {
    file = "../../../topology/small.json"
  }

  assert {
    condition     = output.by_role.nats == tolist(["nats-1", "nats-2", "nats-3"])
    error_message = "NATS nodes must be found by their role."
  }

  assert {
    condition     = output.hosts["gw-1"].size.hcloud == "ccx23"
    error_message = "The size of a host must be looked up."
  }

  assert {
    condition     = output.network == "10.20.0.0/24"
    error_message = "The network must be that of the file."
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
    error_message = "Only gateways may be public."
  }
}

run "missing_file" {
  command = plan

  variables {
    file = "there-is-none.json"
  }

  expect_failures = [var.file]
}

run "divided_graph" {
  command = plan

  variables {
    file = "tests/divided.json"
  }

  assert {
    condition     = output.by_role.graph == tolist(["graph-1", "graph-2"])
    error_message = "Two hosts must share the graph."
  }
}

run "emptied_graph_host" {
  command = plan

  variables {
    file = "tests/emptied.json"
  }
}

run "twice" {
  command = plan

  variables {
    file = "tests/twice.json"
  }

  expect_failures = [output.by_role]
}

run "missing" {
  command = plan

  variables {
    file = "tests/missing.json"
  }

  expect_failures = [output.by_role]
}

run "counts" {
  command = plan

  variables {
    file = "tests/counts.json"
  }

  expect_failures = [output.by_role]
}

run "two_whole" {
  command = plan

  variables {
    file = "tests/two-whole.json"
  }

  expect_failures = [output.by_role]
}
