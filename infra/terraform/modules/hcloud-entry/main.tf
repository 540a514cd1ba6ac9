# How readers find gateways. With `dns`, one name has the addresses of all gateways, and a browser tries the
# next address if one refuses; no machine stands in front of all gateways, so only the gateways limit the
# number of streams. With `l4`, the name has the address of a balancer. That suits some tens of thousands of
# streams: each takes two connections there, and the type of the balancer limits both the connections and the
# number of gateways.

locals {
  found = var.kind == "dns" ? var.gateways : {
    balancer = { v4 = one(hcloud_load_balancer.this[*].ipv4), v6 = one(hcloud_load_balancer.this[*].ipv6) }
  }
}

resource "hcloud_zone_rrset" "this" {
  for_each = { A = "v4", AAAA = "v6" }

  zone    = var.zone
  name    = var.domain == var.zone ? "@" : trimsuffix(var.domain, ".${var.zone}")
  type    = each.key
  ttl     = var.ttl
  records = [for name in sort(keys(local.found)) : { value = local.found[name][each.value], comment = name }]

  lifecycle {
    precondition {
      condition     = var.domain == var.zone || endswith(var.domain, ".${var.zone}")
      error_message = "The domain ${var.domain} of the topology is not in the DNS zone ${var.zone}."
    }

    precondition {
      condition     = length(var.gateways) > 0
      error_message = "No gateway is left for readers: keep at least one."
    }
  }
}

resource "hcloud_load_balancer" "this" {
  count = var.kind == "l4" ? 1 : 0

  name               = var.name
  load_balancer_type = var.balancer_type
  location           = var.location

  algorithm {
    type = "least_connections"
  }

  lifecycle {
    # A new location would replace the balancer, and its address would change.
    ignore_changes = [location]
  }
}

resource "hcloud_load_balancer_network" "this" {
  count = var.kind == "l4" ? 1 : 0

  load_balancer_id = hcloud_load_balancer.this[0].id
  network_id       = var.network_id
}

resource "hcloud_load_balancer_service" "this" {
  for_each = var.kind == "l4" ? toset(["80", "443"]) : toset([])

  load_balancer_id = hcloud_load_balancer.this[0].id
  protocol         = "tcp"
  listen_port      = tonumber(each.key)
  destination_port = tonumber(each.key)

  health_check {
    protocol = "tcp"
    port     = tonumber(each.key)
    interval = 5
    timeout  = 3
    retries  = 2
  }
}

resource "hcloud_load_balancer_target" "this" {
  for_each = var.kind == "l4" ? var.gateway_ids : {}

  type             = "server"
  load_balancer_id = hcloud_load_balancer.this[0].id
  server_id        = each.value
  use_private_ip   = true

  depends_on = [hcloud_load_balancer_network.this]
}
