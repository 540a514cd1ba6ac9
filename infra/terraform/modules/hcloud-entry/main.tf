# How readers find gateways. By DNS: every gateway's address under one name, browsers take another when one refuses; no
# machine stands before them all, so nothing but the gateways bounds the streams. By L4: one address, for installations of
# some tens of thousands of streams; each takes two connections there, and Hetzner bounds them by the balancer's type.

resource "hcloud_zone_rrset" "v4" {
  count = var.kind == "dns" ? 1 : 0

  zone    = var.zone
  name    = var.record
  type    = "A"
  ttl     = var.ttl
  records = [for name in sort(keys(var.gateways)) : { value = var.gateways[name].v4, comment = name }]
}

resource "hcloud_zone_rrset" "v6" {
  count = var.kind == "dns" ? 1 : 0

  zone    = var.zone
  name    = var.record
  type    = "AAAA"
  ttl     = var.ttl
  records = [for name in sort(keys(var.gateways)) : { value = var.gateways[name].v6, comment = name }]
}

resource "hcloud_load_balancer" "this" {
  count = var.kind == "l4" ? 1 : 0

  name               = var.name
  load_balancer_type = var.balancer_type
  location           = var.location

  algorithm {
    type = "least_connections"
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
