# The engine, with the connectors of this repository beside it, so that one container can run a whole pipeline. The context
# is dist/penstock; see docker/src/images.ts for labels. Nothing is run while it is built.
ARG NODE_IMAGE
ARG RUNTIME_IMAGE=gcr.io/distroless/cc-debian12:nonroot
ARG BUSYBOX_IMAGE=busybox:1.35.0-musl
FROM ${NODE_IMAGE} AS node
FROM ${BUSYBOX_IMAGE} AS busybox

FROM ${RUNTIME_IMAGE}
COPY --from=node /usr/local/bin/node /usr/local/bin/node
# Node can't make named pipes, and a pod needs some (docker/kubernetes). By its name the program is nothing but mkfifo.
COPY --from=busybox /bin/busybox /usr/local/bin/mkfifo
COPY . /app/
ENV NODE_ENV=production
WORKDIR /
USER 1000:1000
# Node warns of an old function that the Docker client uses, since it sees no package in a bundle.
ENTRYPOINT ["/usr/local/bin/node", "--disable-warning=DEP0169", "/app/main.mjs"]
