# Moves the partitions of the graph to where the topology wants them.
ansible-playbook -i infra/state/$DEPLOYMENT/inventory.json infra/ansible/repartition.yml
