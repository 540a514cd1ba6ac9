# Gives the hosts a new authority or new NATS passwords: a node that has them is alone until the others have them.
ansible-playbook -i infra/state/$DEPLOYMENT/inventory.json infra/ansible/site.yml -e encke_release=$RELEASE \
  -e nats_wait_for_cluster=false
