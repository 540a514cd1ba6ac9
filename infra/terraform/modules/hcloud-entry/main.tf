# How readers find gateways. By DNS: every gateway's address under one name, browsers take another when one refuses; no
# machine stands before them all, so nothing but the gateways bounds the streams. By L4: the balancer's address, for
# installations of some tens of thousands of streams; each takes two connections there, and Hetzner bounds them, and the
# gateways, by the balancer's type.

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
      error_message = "The topology's domain ${var.domain} does not lie in the DNS zone ${var.zone}."
    }

    precondition {
      condition     = length(var.gateways) > 0
      error_message = "No gateway is left for readers: let one stay."
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
    # as the machines: a new location would make it anew, with another address
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
