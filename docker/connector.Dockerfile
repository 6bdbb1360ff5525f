# A connector: Node, one bundle, and nothing else. The context is dist/NAME; see docker/src/images.ts for labels.
# Nothing is run while it is built, so that an image for another processor needs no emulation.
ARG NODE_IMAGE
ARG RUNTIME_IMAGE=gcr.io/distroless/cc-debian12:nonroot
FROM ${NODE_IMAGE} AS node

FROM ${RUNTIME_IMAGE}
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY . /app/
ENV NODE_ENV=production
WORKDIR /
USER 1000:1000
ENTRYPOINT ["/usr/local/bin/node", "/app/main.mjs"]
