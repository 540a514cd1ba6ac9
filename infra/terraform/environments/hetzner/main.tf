# A deployment at Hetzner Cloud, as its topology file says. The token is read from HCLOUD_TOKEN.

provider "hcloud" {}

module "topology" {
  source = "../../modules/topology"

  file = var.topology
}

module "network" {
  source = "../../modules/hcloud-network"

  name = module.topology.name
  cidr = module.topology.network
}

module "firewall" {
  source = "../../modules/hcloud-firewall"

  name      = module.topology.name
  operators = var.operators
}

locals {
  gateways = { for name, host in module.topology.hosts : name => host if host.is_gateway }
  others   = { for name, host in module.topology.hosts : name => host if !host.is_gateway }
}

module "gateways" {
  source = "../../modules/hcloud-pool"

  name         = "gateway"
  deployment   = module.topology.name
  hosts        = local.gateways
  network_id   = module.network.id
  firewall_ids = module.firewall.gateway_ids
  ssh_keys     = var.ssh_keys
  location     = var.location
}

module "others" {
  source = "../../modules/hcloud-pool"

  name         = "inner"
  deployment   = module.topology.name
  hosts        = local.others
  network_id   = module.network.id
  firewall_ids = module.firewall.inner_ids
  ssh_keys     = var.ssh_keys
  location     = var.location
}

module "entry" {
  source = "../../modules/hcloud-entry"

  kind        = var.entry
  name        = module.topology.name
  zone        = var.dns_zone
  record      = trimsuffix(module.topology.domain, ".${var.dns_zone}")
  gateways    = module.gateways.public
  gateway_ids = module.gateways.ids
  network_id  = module.network.id
  location    = var.location
}
