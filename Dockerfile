# One image for every role: docker run dripline api | worker | all | migrate | any other command of `dripline`.
# Built with nothing but Docker's oldest builder; docs/deployment.md says what is in it and how large it is.
FROM node:24-slim AS build
WORKDIR /app
ENV CI=true TURBO_TELEMETRY_DISABLED=1 DO_NOT_TRACK=1
# The lockfile alone decides what is fetched: sources change without fetching again.
COPY package.json pnpm-lock.yaml pnpm-workspace.yaml ./
RUN npm install --global "$(node --print 'require("./package.json").packageManager')" && pnpm fetch
COPY . .
RUN pnpm install --frozen-lockfile --offline && node_modules/.bin/turbo run build --ui=stream --output-logs=errors-only
# What runs, and nothing else: no compiler, no tests, no sources, and without optional packages no embedded PostgreSQL.
RUN sh scripts/prune-for-image.sh

FROM node:24-slim
WORKDIR /app
# Reached from outside the container; the listener for metrics and health only if METRICS_HOST says so.
ENV NODE_ENV=production API_HOST=0.0.0.0 METRICS_PORT=9464
# Dependencies change less often than we do: an upgrade is a few megabytes.
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/image ./
RUN ln -s /app/apps/cli/dist/main.js /usr/local/bin/dripline
USER node
EXPOSE 4600
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["node", "/app/scripts/healthcheck.mjs"]
ENTRYPOINT ["node", "--max-semi-space-size=24", "/app/scripts/role.mjs"]
CMD ["api"]
