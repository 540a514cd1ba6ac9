# With a mocked provider: the network zone, and which networks are refused.

mock_provider "hcloud" {
  mock_resource "hcloud_network" {
    defaults = { id = "1" }
  }
}

variables {
  name     = "small"
  cidr     = "10.20.0.0/24"
  location = "ash"
}

run "zone" {
  assert {
    condition     = hcloud_network_subnet.this.network_zone == "us-east" && output.id == 1
    error_message = "The subnet must be in the network zone of its machines."
  }
}

run "too_small" {
  command = plan

  variables {
    cidr = "10.20.0.0/25"
  }

  expect_failures = [var.cidr]
}

run "not_its_first_address" {
  command = plan

  variables {
    cidr = "10.20.0.1/24"
  }

  expect_failures = [var.cidr]
}

run "unknown_location" {
  command = plan

  variables {
    location = "fsn1-dc14"
  }

  expect_failures = [var.location]
}
