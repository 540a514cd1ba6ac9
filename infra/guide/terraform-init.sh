# Fetches the Terraform providers.
terraform -chdir=infra/terraform/environments/hetzner init
