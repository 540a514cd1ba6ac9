# The topology file as Terraform sees it: hosts by role and the firewall's rules. No provider, so that its tests run
# anywhere. infra/topology/topology.ts checks the same file for everything else.

locals {
  topology = jsondecode(file(var.file))
  hosts = {
    for name, host in local.topology.hosts : name => {
      roles        = host.roles
      private      = host.private
      size         = local.topology.sizes[host.size]
      node         = lookup(host, "node", null)
      is_gateway   = contains(host.roles, "gateway")
      has_a_public = contains(host.roles, "gateway") || var.all_public
    }
  }
  by_role = {
    for role in ["gateway", "nats", "graph", "observe"] :
    role => sort([for name, host in local.hosts : name if contains(host.roles, role)])
  }
}
