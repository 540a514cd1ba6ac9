# With a mocked provider: the DNS records, and the balancer.

mock_provider "hcloud" {
  mock_resource "hcloud_load_balancer" {
    defaults = {
      id   = "4"
      ipv4 = "192.0.2.44"
      ipv6 = "2001:db8::44"
    }
  }
}

variables {
  kind        = "dns"
  name        = "small"
  domain      = "live.encke.example"
  zone        = "encke.example"
  gateways    = { gw-1 = { v4 = "192.0.2.1", v6 = "2001:db8::1" }, gw-2 = { v4 = "192.0.2.2", v6 = "2001:db8::2" } }
  gateway_ids = { gw-1 = 11, gw-2 = 12 }
  network_id  = 1
  location    = "fsn1"
}

run "by_dns" {
  assert {
    condition     = toset(hcloud_zone_rrset.this["A"].records[*].value) == toset(["192.0.2.1", "192.0.2.2"])
    error_message = "Each gateway must have an A record."
  }

  assert {
    condition     = toset(hcloud_zone_rrset.this["AAAA"].records[*].value) == toset(["2001:db8::1", "2001:db8::2"])
    error_message = "Each gateway must have an AAAA record."
  }

  assert {
    condition     = hcloud_zone_rrset.this["AAAA"].name == "live"
    error_message = "The name of a record must be relative to its zone."
  }
}

run "the_zone_itself" {
  variables {
    domain = "encke.example"
  }

  assert {
    condition     = hcloud_zone_rrset.this["A"].name == "@"
    error_message = "The name of the zone itself must be @."
  }
}

run "by_l4" {
  variables {
    kind = "l4"
  }

  assert {
    condition     = hcloud_zone_rrset.this["A"].records == toset([{ value = "192.0.2.44", comment = "balancer" }])
    error_message = "The records must point to the balancer."
  }

  assert {
    condition     = toset([for target in hcloud_load_balancer_target.this : target.server_id]) == toset([11, 12])
    error_message = "The gateways must be the targets of the balancer."
  }
}

run "another_zone" {
  command = plan

  variables {
    zone = "else.example"
  }

  expect_failures = [hcloud_zone_rrset.this]
}

run "part_of_a_label" {
  command = plan

  variables {
    zone = "e.encke.example"
  }

  expect_failures = [hcloud_zone_rrset.this]
}

run "no_gateway_left" {
  command = plan

  variables {
    gateways    = {}
    gateway_ids = {}
  }

  expect_failures = [hcloud_zone_rrset.this]
}

run "another_kind" {
  command = plan

  variables {
    kind = "l7"
  }

  expect_failures = [var.kind]
}
