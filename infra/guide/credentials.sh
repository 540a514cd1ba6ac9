# Sets the variables with which an application publishes and signs tokens.
eval "$(node dist/infra/main.js credentials infra/topology/$DEPLOYMENT.json)"
