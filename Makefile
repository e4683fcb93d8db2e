# Caisson. `make help` lists what there is.
SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# Pinned tools, run by `go run`: nothing to install.
GOFUMPT := mvdan.cc/gofumpt@v0.12.0
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GORELEASER := github.com/goreleaser/goreleaser/v2@v2.16.0
BUF := github.com/bufbuild/buf/cmd/buf@v1.75.0

# cgo is off everywhere; only the race detector needs it, see scripts/test.mjs.
export CGO_ENABLED := 0
GO := go -C host-go
DAEMON := go -C daemon
TARGETS := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-19s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## build the command line program to bin/caisson, and the daemon to bin/caissond; needs only Go
	$(GO) build -o ../bin/caisson ./cmd/caisson
	$(DAEMON) build -o ../bin/caissond ./cmd/caissond

.PHONY: image
image: ## make a container image of the daemon at build/image/layout, without a container engine; needs only Go
	GOOS=linux $(DAEMON) build -trimpath -ldflags="-s -w" -o ../build/image/caissond ./cmd/caissond
	$(GO) run ./cmd/caisson cache warm --cache-dir "$(CURDIR)/build/image/cache"
	$(DAEMON) run ./tools/image --binary ../build/image/caissond --cache ../build/image/cache --out ../build/image/layout

VERSION = $(shell sed -n 's/^const Version = "\(.*\)"$$/\1/p' host-go/caisson/version.go)

# The first run compiles the tool, which takes minutes. It looks at the commit's time alone: the same commit makes the same bytes.
.PHONY: release
release: ## make a release for every platform at build/release: archives, checksums, bills of materials; needs only Go
	ROOT="$(CURDIR)" VERSION="$(VERSION)" go run $(GORELEASER) release --snapshot --clean

.PHONY: release-check
release-check: ## make a release of this platform twice, from the last commit, and compare the checksums; minutes
	@VERSION="$(VERSION)" GORELEASER="$(GORELEASER)" node scripts/check-release.mjs

.PHONY: demo
demo: build ## talk to a small MCP server through the sandbox, and show it; needs only Go
	./bin/caisson demo

node_modules/.installed: package.json package-lock.json
	npm ci --no-audit --no-fund
	@touch $@

.PHONY: component
component: node_modules/.installed ## build the core from src/ and wit/, and embed it when its inputs changed
	npm run --silent build
	$(GO) run ./internal/core/pack ../build

build/python/.installed: python/requirements.txt
	python3 -m venv build/python
	build/python/bin/pip install --quiet --requirement $<
	@touch $@

.PHONY: python
python: build/python/.installed ## build CPython for scripts from python/ and wit/, and embed it when its inputs changed; needs Python 3.9
	node scripts/build-python.mjs
	$(GO) run ./internal/python/pack ../build

.PHONY: test
test: ## install, build the component, run every test, and end with "N passed, N failed"
	@command -v node >/dev/null || { echo "make test needs Node 20 or newer" >&2; exit 1; }
	@$(MAKE) node_modules/.installed
	@node scripts/test.mjs

conformance/node_modules/.installed: conformance/package.json conformance/package-lock.json
	npm ci --no-audit --no-fund --prefix conformance
	@touch $@

# The suite needs Node 22 or newer: npm brings one where it has it, and elsewhere it is the user's.
# ARGS are run.mjs's: scenarios to run, --verbose.
.PHONY: conformance
conformance: conformance/node_modules/.installed ## run the official conformance suite for clients
	$(GO) build -o ../bin/ ./cmd/caisson ./cmd/conformance
	./bin/caisson cache warm
	@"$$(ls conformance/node_modules/node-*/bin/node 2>/dev/null || echo node)" conformance/run.mjs $(ARGS)

# ARGS are serve.mjs's: scenarios to run, --verbose.
.PHONY: conformance-serve
conformance-serve: conformance/node_modules/.installed node_modules/.installed ## run the official conformance suite for servers against 'caisson serve'
	$(GO) build -o ../bin/ ./cmd/caisson github.com/modelcontextprotocol/go-sdk/conformance/everything-server
	./bin/caisson cache warm
	@"$$(ls conformance/node_modules/node-*/bin/node 2>/dev/null || echo node)" conformance/serve.mjs $(ARGS)

build/wasmtime/.installed: host-go/component/testdata/corpus/requirements.txt
	python3 -m venv build/wasmtime
	build/wasmtime/bin/pip install --quiet $$(grep '^wasmtime==' $<)
	@touch $@

.PHONY: differential
differential: build/wasmtime/.installed node_modules/.installed ## run the core in wasmtime, and compare the component runtime with it; minutes; needs Python 3
	CAISSON_WASMTIME="$(CURDIR)/build/wasmtime/bin/python" npx vitest run test/embedding.test.ts
	CAISSON_WASMTIME="$(CURDIR)/build/wasmtime/bin/python" $(GO) test ./component -run 'TestDifferentialLive' -timeout 30m -v

.PHONY: faults
faults: node_modules/.installed ## run 10,000 seeded sessions through a proxy that spoils them, and as many with the gateway; an hour
	CAISSON_FAULT_RUNS=10000 npx vitest run test/proxy.test.ts
	CAISSON_FAULT_RUNS=10000 $(GO) test ./caisson/gateway -run '^TestFaults$$' -timeout 6h -v

FUZZTIME := 30m

.PHONY: fuzz
fuzz: ## have servers send anything to the real core, for FUZZTIME=30m
	$(GO) test ./caisson -run '^$$' -fuzz '^FuzzServer$$' -fuzztime $(FUZZTIME)

.PHONY: lint
lint: node_modules/.installed ## check the code's form and find likely mistakes, in both languages
	npm run --silent lint
	node scripts/check-requirements.mjs
	@out=$$($(GO) run $(GOFUMPT) -l . ../daemon ../bench ../test/servers); [ -z "$$out" ] || { echo "not formatted (make format):"; echo "$$out"; exit 1; }
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...
	$(GO) mod tidy -diff
	$(DAEMON) vet ./...
	$(DAEMON) run $(STATICCHECK) ./...
	@node scripts/tidy-daemon.mjs --check
	cd proto && go run $(BUF) lint && go run $(BUF) breaking --against caisson.binpb
	@for module in bench test/servers/auth-zitadel; do \
		go -C $$module vet ./...; \
		go -C $$module mod tidy -diff; \
	done

.PHONY: format
format: node_modules/.installed ## format the code, in both languages
	npm run --silent format
	$(GO) run $(GOFUMPT) -w . ../daemon
	@node scripts/tidy-daemon.mjs

.PHONY: generate
generate: node_modules/.installed ## generate what is generated: the TypeScript types of wit/, and the Go code of proto/
	npm run --silent generate
	cd proto && go run $(BUF) generate

.PHONY: descriptor
descriptor: ## keep the descriptor of proto/ that further versions must be compatible with; for a release
	cd proto && go run $(BUF) build --exclude-source-info --output caisson.binpb

# Whether it builds does not depend on how well the compiler optimises; how long it takes does, for
# each platform has a standard library of its own to compile. Of the daemon only the packages are checked that have
# files of their own for a platform: to vet is enough to know that they compile.
.PHONY: cross
cross: ## build for every platform, without cgo, and vet the daemon where its files differ; nothing is kept
	@for target in $(TARGETS); do \
		echo "$$target"; \
		quick=(-gcflags='all=-N -l -dwarf=false' -ldflags='-s -w'); \
		[ "$$target" != "$$($(GO) env GOHOSTOS)/$$($(GO) env GOHOSTARCH)" ] || quick=(); \
		GOOS=$${target%/*} GOARCH=$${target#*/} $(GO) build "$${quick[@]}" ./...; \
		own=(); \
		case "$$target" in darwin/arm64) own=(./internal/access);; windows/amd64) own=(./internal/access ./cmd/caissond);; esac; \
		[ $${#own[@]} = 0 ] || GOOS=$${target%/*} GOARCH=$${target#*/} $(DAEMON) vet -gcflags='all=-N -l -dwarf=false' "$${own[@]}"; \
	done

.PHONY: bench
bench: ## compare with other clients and engines, in one run of minutes (BENCH=full: an hour or more; SECTION=scripts: one section); see bench/README.md
	go -C bench run . $(if $(SECTION),-only $(SECTION)) $(BENCH_FLAGS)

.PHONY: load
load: build ## have programs call sessions of three daemons, run scripts and submit runs, while daemons and NATS are killed and a network is cut or silent (LOAD_FLAGS=-help: how much of it); see docs/scale.md
	$(DAEMON) build -o ../build/load/nats-server github.com/nats-io/nats-server/v2
	./bin/caisson cache warm
	$(DAEMON) run ./tools/load -caissond ../bin/caissond -nats-server ../build/load/nats-server $(LOAD_FLAGS)

.PHONY: clean
clean: ## remove what was built and installed; not the user's cache of compiled code
	rm -rf bin build bench/results node_modules
