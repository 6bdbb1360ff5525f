# Needs Node >= 20 and npm, nothing else: everything that runs here comes from the npm registry, Node 24 included.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help install demo test test-postgres-15 check format generate bench clean

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

test: check ## Check, then all tests; needs no Docker
	npm run --silent test

test-postgres-15: install ## Postgres tests on the oldest supported version
	PENSTOCK_TEST_POSTGRES=15 npm run --silent test:postgres

check: install ## Format, lint, types, generated files
	npm run --silent check

format: install ## Format and mend what can be mended by itself
	npm run --silent format

generate: install ## Write the generated files anew
	npm run --silent generate

bench: install ## Print the benchmarks' figures, a JSON line each
	npm run --silent bench

clean: ## Remove what was installed and made here
	rm -rf node_modules .penstock
