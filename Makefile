# Everything a person or CI calls. `make help` lists it.
SHELL := /bin/bash
GO ?= go
PKGS ?= ./...
FUZZTIME ?= 60s
export GOFLAGS ?= -buildvcs=false

.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## build and start everything: dashboard on :8080, gateway on :8081, data in ./.tollgate
	@$(GO) build -o bin/tollgate ./cmd/tollgate
	@exec bin/tollgate run

test: setup ## set up what the tests need, then run them all
	$(GO) vet $(PKGS)
	$(GO) test -shuffle=on -timeout 15m $(PKGS)

race: setup ## the suite under the race detector (slower)
	$(GO) test -race -shuffle=on -timeout 40m $(PKGS)

check: generate fmt lint test ## what a change must pass: generated files fresh, formatted, linted, tested
	git diff --exit-code

setup: ## install what the tests need: Chromium and the official SDKs
	@bash test/setup.sh

generate: ## compile the templates
	$(GO) tool templ generate -path web

fmt: ## format
	gofmt -w cmd internal web migrations test bench

lint: ## golangci-lint with the project's rules, and govulncheck
	$(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0 run

bench: ## direct, a bare Go relay and Tollgate side by side, as ratios
	$(GO) run ./bench/cmd/compare

fuzz: ## every fuzz test for FUZZTIME each
	@for p in $$(grep -rl 'func Fuzz' --include='*_test.go' . | xargs -n1 dirname | sort -u); do \
	  for f in $$(grep -ho 'func Fuzz[A-Za-z0-9]*' $$p/*_test.go | awk '{print $$2}'); do \
	    echo "$$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$p || exit 1; done; done

e2e: setup ## only the black boxes: the story in Chromium, official SDKs, recorded providers, faults
	$(GO) test -count=1 -timeout 20m ./test/...

fault: setup ## the fault tests of budgets, limits, keys and prompts in full size, with their figures (20 minutes)
	@set -o pipefail; TOLLGATE_FAULT=big $(GO) test -v -count=1 -p 1 -timeout 25m -run '^Test[BKP][0-9]' \
	  ./test/fault ./internal/budget/... ./internal/limit/... ./internal/key/... ./internal/gateway | \
	  awk '/^(---|FAIL|ok|panic)/ || /_test.go:[0-9]+: / { print; fflush() } /no test files|no tests to run/ { next }'

migrate: ## apply the migrations to DATABASE_URL
	$(GO) run ./cmd/tollgate migrate

clean: ## remove what was built (never data)
	rm -rf bin

.PHONY: help run test race check setup generate fmt lint bench fuzz e2e fault migrate clean
