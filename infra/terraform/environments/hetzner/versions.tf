terraform {
  required_version = ">= 1.8.0"

  required_providers {
    hcloud = { source = "hetznercloud/hcloud", version = "~> 1.67" }
  }
}
