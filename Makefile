# Needs Node >= 20 and npm, nothing else: everything that runs here comes from the npm registry, Node 24 included.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help install demo test test-postgres-15 soak images push-images e2e check format generate bench bench-launch bench-relay bench-requests bench-source bench-start bench-sync clean

help: ## Print the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F '\t' '{ printf "  make %-18s %s\n", $$1, $$2 }'

install: node_modules/.package-lock.json ## Install what is needed into node_modules

node_modules/.package-lock.json: package-lock.json package.json
	@command -v npm > /dev/null || { echo 'Penstock needs Node 20 or newer, with npm: https://nodejs.org' >&2; exit 1; }
	npm ci --no-progress --loglevel=error
	@touch $@

# Not by npm: after Ctrl-C it would report a failure.
demo: install ## Sync a simulated Stripe account, live (LIVE=1: your own)
	@node_modules/.bin/node e2e/demo/src/main.ts

# CHECKED=1 where the check has been.
test: $(if $(CHECKED),install,check) ## Check, then all tests; needs no Docker
	npm run --silent test

test-postgres-15: install ## Postgres tests on the oldest supported version
	PENSTOCK_TEST_POSTGRES=15 npm run --silent test:postgres

# SOAK_SECONDS=300 for a shorter one.
SOAK_SECONDS ?= 1800
soak: install ## Half an hour of changes, faults and kills, then every table against the truth
	SOAK_SECONDS=$(SOAK_SECONDS) npm run --silent soak

images: install ## Build the container images
	@npm run --silent images -w @penstock/images

# Needs docker buildx and a login to the registry.
PLATFORMS ?= linux/amd64,linux/arm64
push-images: install ## Build for PLATFORMS and push to REGISTRY=host/name
	@test -n "$(REGISTRY)" || { echo 'Say where to: make push-images REGISTRY=ghcr.io/you' >&2; exit 1; }
	@npm run --silent images -w @penstock/images -- --push $(REGISTRY) --platforms $(PLATFORMS)

e2e: images ## Tests with containers; needs a Docker engine
	npm run --silent e2e

check: install ## Format, lint, types, generated files
	npm run --silent check

format: install ## Format and mend what can be mended by itself
	npm run --silent format

generate: install ## Write the generated files anew
	npm run --silent generate

bench: install ## Print the benchmarks' figures, a JSON line each
	npm run --silent bench

bench-launch: images ## Figures of each way of running; needs a Docker engine
	npm run --silent bench:launch

bench-relay: install ## What the engine costs between a source and a destination; 5 minutes
	npm run --silent bench:relay

bench-requests: install ## Requests and time that reading takes, next to the fewest and shortest; 20 minutes
	npm run --silent bench:requests

bench-source: install ## Figures of the source alone, without a rate limit
	npm run --silent bench:source

bench-start: install ## What a program takes to start, next to Node alone
	npm run --silent bench:start

bench-sync: install ## Figures of a whole sync next to a plain COPY
	npm run --silent bench:sync

clean: ## Remove what was installed and made here
	rm -rf node_modules dist .penstock
