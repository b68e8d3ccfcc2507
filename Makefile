# Everything a developer or CI does, from a clean clone. `make help` lists it. Nothing is installed outside this
# directory, except python3-venv (and pip) from Debian's packages when they are missing and we are root.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
AWSCLI := .build/awscli-venv
MODELS := .build/botocore-sdist
SOURCES := $(shell find src -name '*.py')
INTERPRETERS := .build/interpreters
S3SERVER := .build/versitygw
NODES := 18 22 24
SYSTEM_PYTHON := /usr/bin/python3
ARGS ?=

.PHONY: help install sdk demo up test debian hostile check format docs bench clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

install: $(VENV)/.compiled ## make .venv with lambent in it

$(VENV)/bin/python:
	@bash tools/make_venv.sh $(VENV)

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	@echo "installing lambent into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@$(BIN)/python -m lambent.lambda_.runtimes.speedups || true  # without a network it says what is missing; functions work
	@touch $@

$(VENV)/.locale: tools/make_locale.sh | $(VENV)/bin/python
	@mkdir -p $(VENV)/share/lambent
	@bash tools/make_locale.sh $(VENV)/share/lambent/locale
	@touch $@

# Where PYTHONDONTWRITEBYTECODE is set, as in many containers, Python would compile our modules at every start: 0.2 s each.
$(VENV)/.compiled: $(VENV)/.installed $(VENV)/.locale $(SOURCES)
	@$(BIN)/python -m compileall -q src
	@touch $@

$(VENV)/.installed-dev: pyproject.toml $(VENV)/.installed
	@echo "installing what tests and checks need into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test,check]'
	@touch $@

# The AWS CLI pins a botocore of its own, so it lives beside, not in, our environment.
$(AWSCLI)/.installed: | $(VENV)/bin/python
	@echo "installing the AWS CLI into $(AWSCLI)"
	@mkdir -p .build
	@bash tools/make_venv.sh $(AWSCLI)
	@$(AWSCLI)/bin/python -m pip install --quiet --disable-pip-version-check awscli
	@touch $@

# What Node.js functions find, and what another SDK than boto3 sees of us; without npm the tests with it are skipped.
$(VENV)/.sdk: src/lambent/lambda_/runtimes/aws_sdk/package-lock.json | $(VENV)/.installed
	@if command -v npm > /dev/null && $(BIN)/lambent sdk; then touch $@; \
	else echo "no npm, or no packages from it: the tests with the AWS SDK for JavaScript are skipped"; fi

# AWS's protocol conformance files are in botocore's source distribution and not in its wheel.
$(MODELS)/.unpacked: $(VENV)/.installed
	@echo "fetching the source distribution of botocore into $(MODELS)"
	@$(BIN)/python tools/fetch_conformance.py $(MODELS)
	@touch $@

# Node.js versions that hardly any machine has together; without npm the tests of those that are missing are skipped.
$(INTERPRETERS)/node%/.installed:
	@if command -v npm > /dev/null; then \
		echo "fetching Node.js $* into $(@D)"; \
		npm install --silent --no-audit --no-fund --prefix $(@D) node-linux-$$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')@$*; \
		touch $@; \
	else echo "no npm here: tests of Node.js $* are skipped"; fi

# A real S3 to read packages from; the Go toolchain builds it, and without one the tests with it are skipped.
$(S3SERVER)/.installed:
	@mkdir -p $(@D)
	@if ! command -v go > /dev/null; then echo "no go here: the tests with a real S3 are skipped"; \
	elif echo "building the Versity S3 gateway into $(@D)" && \
		GOBIN=$(CURDIR)/$(@D) go install github.com/versity/versitygw/cmd/versitygw@v1.8.0 > $(@D)/build.log 2>&1; \
	then touch $@; else echo "it cannot be built, see $(@D)/build.log: the tests with a real S3 are skipped"; fi

sdk: $(VENV)/.compiled ## install the AWS SDK for JavaScript, which Node.js functions find then (needs npm)
	@$(BIN)/lambent sdk

demo: $(VENV)/.compiled ## deploy and invoke an example, show what happened, leave nothing running
	@$(BIN)/python examples/demo.py $(ARGS)

up: $(VENV)/.compiled ## start Lambent and keep it running; ARGS='--port 4567 --ephemeral'
	@exec $(BIN)/lambent up $(ARGS)

test: $(VENV)/.installed-dev $(VENV)/.compiled $(AWSCLI)/.installed $(VENV)/.sdk $(MODELS)/.unpacked $(S3SERVER)/.installed $(NODES:%=$(INTERPRETERS)/node%/.installed) ## install what tests need and pass all of them but the attacks; ARGS='-k name'
	@$(BIN)/python -m pytest --ignore tests/escape --ignore tests/hostile $(ARGS)

debian: $(VENV)/.installed ## the tests of the start and the command line with the system's own Python, where that is another
	@if ! $(SYSTEM_PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; then \
		echo "no $(SYSTEM_PYTHON) of 3.11 or later here"; \
	elif [ "$$($(SYSTEM_PYTHON) -V)" = "$$($(BIN)/python -V)" ]; then \
		echo "$(SYSTEM_PYTHON) is the Python of $(VENV): make test has run with it"; \
	else \
		PYTHON=$(SYSTEM_PYTHON) $(MAKE) test VENV=.build/system-venv ARGS='tests/cli tests/system/test_first_function.py $(ARGS)'; \
	fi

hostile: $(VENV)/.installed-dev $(VENV)/.compiled ## attack the sandbox and the server, row by row of docs/THREATS.md
	@$(BIN)/python -m pytest tests/escape tests/hostile $(ARGS)

check: $(VENV)/.installed-dev ## formatting, lint, types, architecture
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/basedpyright
	$(BIN)/python -m pytest -q tests/test_architecture.py

format: $(VENV)/.installed-dev ## format and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(VENV)/.installed ## write docs/coverage.md anew, after an operation or a member was added
	@$(BIN)/python -m tools.coverage

bench: $(VENV)/.compiled ## measure the numbers of docs/SPECIFICATION.md; ARGS='--only start --json out.json'
	@$(BIN)/python -m benchmarks $(ARGS)

clean: ## remove what the other targets made
	rm -rf $(VENV) .build .pytest_cache .ruff_cache .hypothesis examples/*/package
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
