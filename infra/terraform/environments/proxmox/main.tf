# A deployment on own metal under Proxmox VE, as its topology file says. Readers reach gateways by DNS or by what stands
# before the metal; both are yours to set. Credentials are read from PROXMOX_VE_API_TOKEN.

provider "proxmox" {
  endpoint = var.endpoint
}

module "topology" {
  source = "../../modules/topology"

  file = var.topology
}

module "pool" {
  source = "../../modules/proxmox-pool"

  deployment    = module.topology.name
  hosts         = module.topology.hosts
  network       = module.topology.network
  gateway       = var.gateway
  bridge        = var.bridge
  template_id   = var.template_id
  template_node = var.template_node
  default_node  = var.template_node
  ssh_keys      = var.ssh_keys
}
