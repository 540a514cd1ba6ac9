# Tells Ansible where its settings and the password of the secrets are. Needed in each new shell.
export ANSIBLE_CONFIG=$PWD/infra/ansible/ansible.cfg ANSIBLE_VAULT_PASSWORD_FILE=~/.encke-vault-password
