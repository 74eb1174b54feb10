# `make help` lists what there is. Each target installs what it needs and lacks.
.DEFAULT_GOAL := help
.PHONY: help demo test build lint format fixtures fuzz soak bench peers release clean needs tool

FORMATTED := $(wildcard Sources Tests Fuzz Benchmarks Package.swift)

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

demo: tool ## Pack and unpack a real adapter, then train, merge and evaluate one
	@Scripts/demo

# These flags let `swift test` take the release build as it is, instead of making one with testing enabled.
test: build ## Run the suite
	@swift test -c release --skip-build --disable-testable-imports --disable-xctest $(ARGUMENTS)

build: needs ## Build the tool and its tests for release
	@swift build -c release --build-tests

lint: ## Check the format of the code and the imports of the modules
	@swift format lint --recursive --strict --parallel $(FORMATTED)
	@Scripts/check-imports

format: ## Format the code
	@swift format format --recursive --in-place --parallel $(FORMATTED)

peers: tool ## Hold the tool against Hugging Face PEFT and the independent reader
	@Scripts/peers

fixtures: ## Remake Fixtures with the pinned Python packages
	@python=$$(Scripts/peers-venv) && "$$python" Fixtures/generate.py

fuzz: needs ## Fuzz each parser for a minute
	@Scripts/fuzz --seconds 60

soak: build ## Fuzz for five million executions, and kill the store at each of its system calls
	@Scripts/soak
	@TENON_SOAK=1 swift test -c release --skip-build --disable-testable-imports --disable-xctest --filter 'EndToEnd\.Store'

bench: needs ## Measure size, speed and memory, of a tool linked as releases are
	@swift build -c release --product tenon --static-swift-stdlib --scratch-path .build/static
	@Benchmarks/run --tenon .build/static/release/tenon

release: needs ## Make dist/tenon-VERSION-OS-ARCH.tar.gz and run the demo from it
	@Scripts/release

clean: ## Remove what was built
	@rm -rf .build dist Fuzz/.build Benchmarks/.build

tool: needs
	@swift build -c release --product tenon

needs:
	@Scripts/install
