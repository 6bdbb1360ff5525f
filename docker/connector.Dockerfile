# A connector: Node, one bundled file, and nothing else. The context is dist/; see docker/src/images.ts for labels.
ARG NODE_IMAGE
ARG RUNTIME_IMAGE=gcr.io/distroless/cc-debian12:nonroot
FROM ${NODE_IMAGE} AS node

FROM ${RUNTIME_IMAGE}
ARG PROGRAM
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY ${PROGRAM}/ /app/
ENV NODE_ENV=production
USER 1000:1000
ENTRYPOINT ["/usr/local/bin/node", "/app/main.mjs"]
