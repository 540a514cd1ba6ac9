# A deployment at Hetzner Cloud, as its topology file describes it. The token is read from HCLOUD_TOKEN.

provider "hcloud" {}

module "topology" {
  source = "../../modules/topology"

  file       = var.topology
  all_public = var.all_public
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
  source = "../../modules/hcloud-network"

  name     = module.topology.name
  cidr     = module.topology.network
  location = var.location
}

module "firewall" {
  source = "../../modules/hcloud-firewall"

  name      = module.topology.name
  operators = var.operators
}

# All hosts are in one pool, so that a host that gets another role only changes its firewalls. In a pool per
# role its address in the state would change, and Terraform would replace the machine.
module "pool" {
  source = "../../modules/hcloud-pool"

  deployment = module.topology.name
  hosts      = module.topology.hosts
  network_id = module.network.id
  firewall_ids = {
    gateway = module.firewall.gateway_ids
    inner   = module.firewall.inner_ids
  }
  ssh_keys = var.ssh_keys
  location = var.location
  protect  = var.protect
}

locals {
  serving = setsubtract(module.topology.by_role.gateway, var.leaving)
}

module "entry" {
  source = "../../modules/hcloud-entry"

  kind        = var.entry
  name        = module.topology.name
  domain      = module.topology.domain
  zone        = var.dns_zone
  gateways    = { for name in local.serving : name => module.pool.public[name] }
  gateway_ids = { for name in local.serving : name => module.pool.ids[name] }
  network_id  = module.network.id
  location    = var.location
}
