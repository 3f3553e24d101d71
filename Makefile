# The targets that people and CI use. `make` alone builds and starts a broker.
SHELL := /bin/bash
GO ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
BENCHSTAT := golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0
# The race detector needs a C compiler; without one the tests run without it.
RACE := $(if $(shell command -v $(shell $(GO) env CC) 2>/dev/null),-race,)
FUZZTIME ?= 30s

.DEFAULT_GOAL := run
.PHONY: image run build test unit compat compat-full matrix quick check format vet lint fences cross cross-each vuln bench bench-record bench-page bench-compare fuzz clean

run: build ## build, then a development broker on localhost:9092
	./bin/barnabas serve --profile dev

build: ## bin/barnabas
	GO='$(GO)' ./build.sh bin/barnabas '$(VERSION)'

test: check unit ## everything that needs Go alone
	cd compat-tests && $(GO) test -count=1 ./inprocess/...

unit:
	@test -n "$(RACE)" || echo "make: no C compiler found: testing without the race detector"
	$(GO) test $(RACE) -count=1 ./...

# Without ./inprocess, which needs Go alone and is a part of `make test`. Of the mutations it is seen that they fit their
# files; `make compat-full` has each of them caught.
compat: build ## real clients and Apache Kafka, by name from the package registries
	set -o pipefail; cd compat-tests && $(GO) vet ./... && $(GO) test -count=1 ./mutations -run '^TestTheRowsFit$$' && \
	$(GO) test -count=1 -timeout 35m -p 1 $$($(GO) list ./... | grep -v '/inprocess$$\|/mutations$$') 2>&1 | $(GO) run ./alone

# What the matrix of docs/compatibility.md is about.
MATRIX ?= ./clients ./franzgo ./exactlyonce ./streams ./connect ./syslog ./offsetsreader ./javaadmin ./grouptools

matrix: build ## runs real clients against Barnabas and Apache Kafka, and writes docs/compatibility.md
	cd compat-tests && cells=$$(mktemp -d) && trap 'rm -rf "$$cells"' EXIT && export BARNABAS_MATRIX=$$cells && \
	$(GO) test -count=1 -timeout 60m -p 1 $(MATRIX) && \
	BARNABAS_COMPAT_TARGET=kafka $(GO) test -count=1 -timeout 90m -p 1 $(MATRIX) && \
	$(GO) run ./matrix/write "$$cells"

compat-full: compat ## compat, and what takes long: every mutation, an attack in full, 100,000 random requests over every advertised version, a soak of 10 minutes
	$(MAKE) cross
	cd compat-tests && $(GO) test -count=1 -timeout 35m ./mutations
	cd compat-tests && $(GO) test -count=1 -v ./attack -full
	cd compat-tests && $(GO) test -count=1 -timeout 90m -v ./differ -run '^TestRandomSequences$$' -requests 100000 -steps 150 -workers 2
	$(MAKE) soak

quick: ## under a minute, for the inner loop
	$(GO) build ./... && $(GO) vet ./... && $(GO) test -short ./...

check: format vet lint fences cross-each vuln ## format, vet, lint, layering, sizes, cross-builds

format:
	@files=$$(gofmt -l . ); test -z "$$files" || { echo "not formatted (gofmt -w): $$files"; exit 1; }

vet:
	$(GO) vet ./...

lint:
	$(GO) run $(STATICCHECK) ./...

fences:
	$(GO) test -count=1 ./internal/layering

# The machine's own target is built by everything else. Vet compiles the tests as well, for the system that differs most.
CROSS := $(filter-out $(shell $(GO) env GOHOSTOS)/$(shell $(GO) env GOHOSTARCH),linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64)

cross: ## builds for every system that we promise
	@for target in $(CROSS); do \
	  echo "building for $$target"; export CGO_ENABLED=0 GOOS=$${target%/*} GOARCH=$${target#*/}; \
	  $(GO) build -o /dev/null ./cmd/barnabas || exit 1; \
	  case $$target in windows/amd64) $(GO) vet ./... || exit 1;; esac; done

# No file of ours is for one architecture alone, so that one of each system tells nearly as much.
cross-each:
	@$(MAKE) --no-print-directory cross CROSS='linux/arm64 darwin/arm64 windows/amd64'

# The vulnerability database is on the network; where it cannot be reached the check is skipped by name.
vuln:
	@out=$$($(GO) run $(GOVULNCHECK) ./... 2>&1); rc=$$?; \
	if [ $$rc -ne 0 ] && grep -qiE 'dial tcp|no such host|fetching|i/o timeout|connection refused|forbidden' <<<"$$out"; then \
	  echo "govulncheck: skipped, the vulnerability database cannot be reached"; \
	else echo "$$out"; exit $$rc; fi

# make soak SOAKFLAGS='-minutes 600 -seed 42'; its README row says what the ledger shows.
SOAKFLAGS ?= -minutes 10

.PHONY: soak
soak: build ## mixed clients under kill -9, restarts, pauses and a full disk; a ledger each minute
	cd compat-tests && $(GO) test -count=1 -timeout 0 -v ./soak -run '^TestSoak$$' $(SOAKFLAGS)

bench: build ## side by side with Apache Kafka, kfake and a broker that does nothing
	cd compat-tests && BARNABAS_BIN=$(CURDIR)/bin/barnabas CGO_ENABLED=0 $(GO) run ./bench $(BENCHFLAGS)

# The history: one file a day. It is written even when a workload fails.
BENCHRECORD ?= docs/performance/$(shell date -u +%F).json

bench-record: build ## make bench, kept in docs/performance/
	mkdir -p docs/performance
	cd compat-tests && BARNABAS_BIN=$(CURDIR)/bin/barnabas CGO_ENABLED=0 $(GO) run ./bench --json '$(abspath $(BENCHRECORD))' $(BENCHFLAGS)

BENCHRUNS ?= $(lastword $(sort $(wildcard docs/performance/*.json)))

bench-page: ## docs/performance.md and its plots from BENCHRUNS='a.json b.json', else from the newest record
	cd compat-tests && $(GO) run ./bench/page -docs ../docs $(abspath $(BENCHRUNS))

bench-compare: ## two records by benchstat: OLD=docs/performance/a.json NEW=docs/performance/b.json
	@dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT && old=$(abspath $(OLD)) new=$(abspath $(NEW)) && cd compat-tests && \
	$(GO) run ./bench/benchfmt "$$old" >"$$dir/old" && $(GO) run ./bench/benchfmt "$$new" >"$$dir/new" && \
	$(GO) run $(BENCHSTAT) "old=$$dir/old" "new=$$dir/new"

# Some launchers choose by the tag how they start Kafka: one that reads as Kafka's or
# cp's version (8.0.0) makes them leave ZooKeeper out.
IMAGE ?= barnabas
IMAGE_TAGS ?= latest 8.0.0

image: ## the container image, with docker, podman or buildah, else as an OCI archive in bin/image
	GO='$(GO)' docker/image.sh $(IMAGE) $(VERSION) $(IMAGE_TAGS)

fuzz: ## every fuzz target for FUZZTIME each
	@for pkg in $$($(GO) list ./...); do \
	  for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
	    echo "fuzzing $$pkg $$target"; $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; done; done

clean:
	rm -rf bin
