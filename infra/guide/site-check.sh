# Shows what site.yml would change.
ansible-playbook -i infra/state/$DEPLOYMENT/inventory.json infra/ansible/site.yml --check
