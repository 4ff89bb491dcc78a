FROM node:24-slim AS build
WORKDIR /app
ENV TURBO_TELEMETRY_DISABLED=1
COPY . .
RUN node --eval "import('./scripts/bootstrap.mjs').then(({ bootstrap }) => bootstrap())"

FROM node:24-slim
WORKDIR /app
ENV NODE_ENV=production
COPY --from=build /app .
USER node
EXPOSE 4600
ENTRYPOINT ["node", "scripts/role.mjs"]
CMD ["api"]
