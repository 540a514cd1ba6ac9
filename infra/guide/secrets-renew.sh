# Renews what RENEW names: nats, hosts, ca, jwt or site.
node dist/infra/main.js secrets infra/topology/$DEPLOYMENT.json \
  --old infra/state/$DEPLOYMENT/group_vars/all/secrets.yml --renew $RENEW > secrets.json &&
  ansible-vault encrypt --output infra/state/$DEPLOYMENT/group_vars/all/secrets.yml secrets.json && rm secrets.json
