variable "kind" {
  description = "How readers find gateways: dns or l4."
  type        = string

  validation {
    condition     = contains(["dns", "l4"], var.kind)
    error_message = "Expected dns or l4."
  }
}

variable "name" {
  description = "Name of the balancer."
  type        = string
}

variable "zone" {
  description = "DNS zone at Hetzner, which must exist."
  type        = string
}

variable "domain" {
  description = "Domain of the site: the zone itself, or a name in it."
  type        = string
}

variable "ttl" {
  description = "Seconds for which resolvers keep the addresses, and for which readers still connect to a gateway that was taken out."
  type        = number
  default     = 60

  validation {
    condition     = var.ttl >= 60 && var.ttl <= 3600
    error_message = "Expected 60 to 3600 seconds."
  }
}

variable "gateways" {
  description = "Public addresses of the gateways that serve readers."
  type        = map(object({ v4 = string, v6 = string }))
}

variable "gateway_ids" {
  description = "IDs of the machines of these gateways."
  type        = map(number)
}

variable "network_id" {
  description = "ID of the private network."
  type        = number
}

variable "location" {
  description = "Location of the balancer."
  type        = string
}

variable "balancer_type" {
  description = "Type of the balancer at Hetzner."
  type        = string
  default     = "lb11"
}
