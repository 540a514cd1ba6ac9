# Downloads every Debian package that the roles need, on a Debian 12 machine that reaches an archive.
node dist/infra/main.js packages infra/topology/$DEPLOYMENT.json
