variable "file" {
  description = "Path of the topology, infra/topology/*.json."
  type        = string

  validation {
    condition     = fileexists(var.file)
    error_message = "There is no such topology file."
  }

  validation {
    condition     = can(jsondecode(file(var.file)).hosts)
    error_message = "The file is no topology: it must be JSON with hosts."
  }
}

variable "all_public" {
  description = "Whether hosts that are no gateways get public addresses too, to be reached by SSH and to reach Debian's archive."
  type        = bool
  default     = true
}
