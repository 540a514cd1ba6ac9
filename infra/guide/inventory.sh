# Writes the inventory for Ansible, with the addresses of the machines that Terraform made.
terraform -chdir=infra/terraform/environments/hetzner output -json > outputs.json &&
  node dist/infra/main.js inventory infra/topology/$DEPLOYMENT.json --outputs outputs.json
