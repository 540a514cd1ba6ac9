# Builds the checkout and packs it as a release.
npm run build && node dist/infra/main.js release infra/topology/$DEPLOYMENT.json $RELEASE
