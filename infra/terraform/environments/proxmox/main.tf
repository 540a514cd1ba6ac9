# A deployment on own metal under Proxmox VE, as its topology file says. How readers reach gateways, by DNS or by what
# stands before the metal, is yours to set: the output `gateways` says where they are. Credentials are read from
# PROXMOX_VE_API_TOKEN.

provider "proxmox" {
  endpoint = var.endpoint
}

module "topology" {
  source = "../../modules/topology"

  file = var.topology
}

# A state is one deployment: with another topology in the same workspace, the machines of the first would be taken for
# the second's.
resource "terraform_data" "deployment" {
  input = module.topology.name

  lifecycle {
    ignore_changes = [input]

    postcondition {
      condition     = self.input == module.topology.name
      error_message = "This state is the deployment ${self.input}: choose ${module.topology.name}'s workspace, or make it with `terraform workspace new ${module.topology.name}`."
    }
  }
}

module "network" {
  source = "../../modules/proxmox-network"

  name   = module.topology.name
  bridge = var.bridge
  vlan   = var.vlan
}

module "pool" {
  source = "../../modules/proxmox-pool"

  deployment    = module.topology.name
  hosts         = module.topology.hosts
  network       = module.topology.network
  gateway       = var.gateway
  bridge        = module.network.bridge
  template_id   = var.template_id
  template_node = var.template_node
  disk          = var.disk
  ssh_keys      = var.ssh_keys
  protect       = var.protect
}

module "firewall" {
  source = "../../modules/proxmox-firewall"

  network   = module.topology.network
  operators = var.operators
  machines  = module.pool.machines
}
