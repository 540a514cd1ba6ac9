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
  description = "DNS zone at Hetzner, which exists already."
  type        = string
}

variable "domain" {
  description = "What readers' browsers ask for: the zone itself, or a name in it."
  type        = string
}

variable "ttl" {
  description = "Seconds that resolvers keep the addresses: how long a gateway that was taken out is still asked."
  type        = number
  default     = 60

  validation {
    condition     = var.ttl >= 60 && var.ttl <= 3600
    error_message = "Expected 60 to 3600 seconds."
  }
}

variable "gateways" {
  description = "Public addresses of the gateways that readers shall find."
  type        = map(object({ v4 = string, v6 = string }))
}

variable "gateway_ids" {
  description = "Ids of their machines."
  type        = map(number)
}

variable "network_id" {
  description = "The private network."
  type        = number
}

variable "location" {
  description = "Where the balancer stands."
  type        = string
}

variable "balancer_type" {
  description = "Hetzner's type of balancer."
  type        = string
  default     = "lb11"
}
