# Reboots hosts one by one.
ansible-playbook -i infra/state/$DEPLOYMENT/inventory.json infra/ansible/reboot.yml --limit gw-1,nats-1
