# A deployment on your own hardware under Proxmox VE, as its topology file describes it. You set up how
# readers reach the gateways, by DNS or by a router in front of the cluster; the output `gateways` has their
# addresses. Credentials are read from PROXMOX_VE_API_TOKEN.

provider "proxmox" {
  endpoint = var.endpoint
}

module "topology" {
  source = "../../modules/topology"

  file = var.topology
}

# A state belongs to one deployment. With another topology in the same workspace, Terraform would take the
# machines of the first deployment for those of the second.
resource "terraform_data" "deployment" {
  input = module.topology.name

  lifecycle {
    ignore_changes = [input]

    postcondition {
      condition     = self.input == module.topology.name
      error_message = "This state belongs to the deployment ${self.input}: select the workspace of ${module.topology.name}, or create it with `terraform workspace new ${module.topology.name}`."
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
