variable "name" {
  description = "Name of the network."
  type        = string
}

variable "cidr" {
  description = "Its addresses."
  type        = string

  validation {
    condition     = can(cidrhost(var.cidr, 0))
    error_message = "Expected a network such as 10.20.0.0/24."
  }
}

variable "zone" {
  description = "Hetzner's network zone."
  type        = string
  default     = "eu-central"
}
