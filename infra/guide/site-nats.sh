# Brings the NATS nodes to what the files say: one of them is new.
ansible-playbook -i infra/state/$DEPLOYMENT/inventory.json infra/ansible/site.yml --limit nats
