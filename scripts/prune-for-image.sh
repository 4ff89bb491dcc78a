#!/bin/sh
# Run by the Dockerfile after the build, in its working directory: leaves in node_modules and image/ what the image needs.
set -eu

rm -rf node_modules apps/*/node_modules packages/*/node_modules tests/node_modules
# Optional packages are the embedded PostgreSQL and native speed-ups that none of ours needs.
pnpm install --frozen-lockfile --offline --prod --no-optional \
  --filter-prod '@dripline/api...' --filter-prod '@dripline/worker...' --filter-prod '@dripline/cli...'
# TypeScript, source maps and packages' own tests are never read by a running Node.js.
find node_modules/.pnpm -type f \( -name '*.ts' -o -name '*.[mc]ts' -o -name '*.map' -o -name '*.test.*js' -o -name '*.spec.*js' \) -delete

mkdir image
for part in apps/api apps/worker apps/cli packages/*; do
  if [ ! -d "$part/node_modules" ]; then # none of the three needs it
    rm -f "node_modules/.pnpm/node_modules/@dripline/${part#*/}"
    continue
  fi
  mkdir -p "image/$part"
  for kept in package.json dist node_modules migrations inbox-page.html; do
    [ ! -e "$part/$kept" ] || mv "$part/$kept" "image/$part/"
  done
done
find image -type d -name node_modules -prune -o -type f \( -name '*.d.ts' -o -name '*.map' \) -exec rm {} +
chmod +x image/apps/cli/dist/main.js
mkdir image/scripts
cp package.json LICENSE NOTICE image/
cp scripts/role.mjs scripts/healthcheck.mjs image/scripts/
