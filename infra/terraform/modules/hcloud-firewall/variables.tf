variable "name" {
  description = "Prefix of the names of the firewalls."
  type        = string
}

variable "operators" {
  description = "Networks that may reach SSH."
  type        = list(string)

  validation {
    condition     = length(var.operators) > 0
    error_message = "Name at least one network such as 192.0.2.0/24; without one, no operator could deploy."
  }

  validation {
    condition     = alltrue([for cidr in var.operators : try(cidrsubnet(cidr, 0, 0) == cidr, false)])
    error_message = "Expected networks written with their first address, such as 192.0.2.0/24, 198.51.100.7/32 or 2001:db8::/32."
  }

  validation {
    condition     = alltrue([for cidr in var.operators : try(tonumber(split("/", cidr)[1]) >= 8, true)])
    error_message = "A network wider than /8 is too much of the Internet: name the networks from which operators connect."
  }
}
