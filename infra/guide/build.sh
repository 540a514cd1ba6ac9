# Installs the packages of the checkout and builds it.
npm ci --ignore-scripts && npm run build
