# `make help` lists what there is. Each target installs what it needs and lacks.
.DEFAULT_GOAL := help
.PHONY: help demo test build lint format fixtures fuzz soak bench peers release clean needs

SWIFT ?= swift
TENON := .build/release/tenon
# One release build makes the tool and its tests; these flags let `swift test` take it as it is.
BUILD := $(SWIFT) build -c release --build-tests
TEST := $(SWIFT) test -c release --skip-build --disable-testable-imports --disable-xctest
FORMATTED := $(wildcard Sources Tests Fuzz Benchmarks Package.swift)

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

demo: build ## Pack, inspect, verify and unpack a real adapter
	@Scripts/demo

test: build ## Run the suite
	@$(TEST) $(ARGUMENTS)

build: needs ## Build the tool and its tests for release
	@$(BUILD)

lint: ## Check the format of the code and the imports of the modules
	@$(SWIFT) format lint --recursive --strict --parallel $(FORMATTED)
	@Scripts/check-imports

format: ## Format the code
	@$(SWIFT) format format --recursive --in-place --parallel $(FORMATTED)

peers: build ## Hold the tool against Hugging Face PEFT and the independent reader
	@Scripts/peers $(TENON)

fixtures: ## Remake Fixtures with the pinned Python packages
	@python=$$(Scripts/peers-venv) && "$$python" Fixtures/generate.py

fuzz: needs ## Fuzz each parser for a minute
	@Scripts/fuzz --seconds 60

soak: needs ## Fuzz for hours
	@Scripts/soak

bench: build ## Measure size, speed and memory
	@Benchmarks/run

release: needs ## Make dist/tenon-VERSION-OS-ARCH.tar.gz and run the demo from it
	@Scripts/release

clean: ## Remove what was built
	@rm -rf .build dist Fuzz/.build Benchmarks/.build

needs:
	@Scripts/install
