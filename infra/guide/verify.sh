# Checks everything and changes nothing.
ansible-playbook -i infra/state/$DEPLOYMENT/inventory.json infra/ansible/verify.yml
