# Brings renewed NATS passwords or a renewed authority to the hosts, where nodes cannot wait for the cluster.
ansible-playbook -i infra/state/$DEPLOYMENT/inventory.json infra/ansible/site.yml -e encke_release=$RELEASE \
  -e nats_wait_for_cluster=false
