variable "topology" {
  description = "Path of the topology file, infra/topology/*.json."
  type        = string
}

variable "ssh_keys" {
  description = "Names of SSH keys in the project, for Ansible. A machine gets them when it is created."
  type        = list(string)
}

variable "operators" {
  description = "Networks that may reach SSH, such as 192.0.2.0/24."
  type        = list(string)
}

variable "dns_zone" {
  description = "DNS zone in the project that contains the domain of the topology."
  type        = string
}

variable "location" {
  description = "Location of new machines: fsn1, nbg1, hel1, ash, hil or sin."
  type        = string
  default     = "fsn1"
}

variable "entry" {
  description = "How readers find gateways: dns or l4."
  type        = string
  default     = "dns"
}

variable "leaving" {
  description = "Gateways to take out of DNS and the balancer because they are about to be removed or repaired."
  type        = set(string)
  default     = []
}

variable "all_public" {
  description = "Whether hosts other than gateways also get public addresses. Without one, SSH and the Debian archive need a route through the private network."
  type        = bool
  default     = true
}

variable "protect" {
  description = "Whether Hetzner refuses to delete graph hosts. Set it to false in a separate apply before you remove one."
  type        = bool
  default     = true
}
