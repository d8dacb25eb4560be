# Two commands need nothing but Python, pip and the package registries:
#   make demo   takes the demo shop, trains, compares, publishes, serves (SERVE=0: stops before)
#   make test   checks style, types, architecture and behaviour
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
BACKBONES ?= all
SERVE ?= 1
PORT ?= 8000
DEMO_SHOP ?= build/demo-shop
CHECKED = src tests demo benchmarks docs fuzz integrations

.PHONY: help setup demo test test-postgres lint unit fuzz soak format constraints draw modules clean .chromium .php

help:
	@sed -n '1,3p' Makefile

setup: $(VENV)/.ready

# Everything pinned with hashes first, then the project itself without looking further.
# TensorFlow has no wheels for other versions of Python: better said here than by pip at length.
$(VENV)/.ready: constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' || { \
	  echo "error: Python 3.11, 3.12 or 3.13 is needed (TensorFlow has no wheels for others);" \
	    "$(PYTHON) is $$($(PYTHON) -V 2>&1)."; \
	  echo "hint: make $(MAKECMDGOALS) PYTHON=python3.13"; exit 1; } >&2
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check -q --require-hashes -r constraints.txt
	$(BIN)/python -m pip install --disable-pip-version-check -q --no-deps --no-build-isolation -e .
	@touch $@

demo: setup
	$(BIN)/vitrina demo demo --shop "$(DEMO_SHOP)" --backbones "$(BACKBONES)" \
	  $(if $(filter 0,$(SERVE)),--no-serve,--serve --port $(PORT))

# A process a core; what one module sets up is set up once.
PYTEST = $(BIN)/python -m pytest -n auto --dist loadfile

test: lint .chromium .php
	$(PYTEST)
	$(call on_postgres,$(ON_BOTH))

# What touches the store is tested on PostgreSQL, too, which the package pgserver brings.
ON_BOTH = database products fulltext text_search importer importer_again check_corrections \
  events experiment review learn engine nearest new_goods api_catalogue journal admin_figures
ON_POSTGRES_TOO = admin admin_experiment api_photo app fetch_photos fetched_import publishing check dataset \
  feeds_commerceml monitoring upload photo_queue
define on_postgres
	@if $(BIN)/python -c 'import pgserver' 2>/dev/null || [ -n "$$VITRINA_TEST_DATABASE" ]; then \
	  VITRINA_TEST_DATABASE="$${VITRINA_TEST_DATABASE:-postgres}" \
	    $(PYTEST) $(patsubst %,tests/test_%.py,$(1)); \
	else echo "Not tested on PostgreSQL: pgserver has no wheels for this Python"; fi
endef

lint: setup
	$(BIN)/ruff check $(CHECKED)
	$(BIN)/ruff format --check $(CHECKED)
	$(BIN)/mypy
	$(BIN)/lint-imports

# An hour in all. What breaks something is kept in build/fuzz/findings and named at the end.
FUZZ_SECONDS ?= $(if $(wildcard fuzz/fuzz_api.py),1800,3600)
fuzz: setup
	mkdir -p build/fuzz/photo build/fuzz/findings
	$(BIN)/python fuzz/fuzz_photo.py -max_total_time=$(FUZZ_SECONDS) -rss_limit_mb=1500 -timeout=30 \
	  -artifact_prefix=build/fuzz/findings/ build/fuzz/photo fuzz/corpus/photo
	$(if $(wildcard fuzz/fuzz_api.py),VITRINA_FUZZ_SECONDS=$(FUZZ_SECONDS) $(BIN)/python fuzz/fuzz_api.py)

# The demo shop by default, which `make demo` makes.
SOAK_MINUTES ?= 30
SOAK_SHOP ?= $(DEMO_SHOP)
soak: setup
	mkdir -p build
	$(BIN)/python benchmarks/soak.py "$(SOAK_SHOP)" --minutes $(SOAK_MINUTES) --out build/soak.json

unit: setup
	$(PYTEST) -m "not browser and not php"
	$(call on_postgres,$(ON_BOTH))

# All that a database has a part in, on PostgreSQL; another server's address may be named.
test-postgres: setup
	$(call on_postgres,$(ON_BOTH) $(ON_POSTGRES_TOO))

# $(1) says whether it is here, $(2) what it is, $(3) which of Debian's packages bring it.
define from_debian
	@$(1) || { \
	  if [ "$$(id -u)" = 0 ]; then root=; \
	  elif command -v sudo >/dev/null; then root=sudo; else root=none; fi; \
	  if [ "$$root" = none ] || ! command -v apt-get >/dev/null; then \
	    echo "error: $(2), which is not here."; \
	    echo "hint: install your system's $(3), or leave these tests out: make unit"; \
	    exit 1; \
	  fi >&2; \
	  echo "Installing $(3) from Debian's packages"; \
	  $$root apt-get update -q && $$root apt-get install -q -y --no-install-recommends $(3); }
endef

# Debian's own Chromium: browsers that test tools fetch for themselves are no registry's package.
.chromium:
	$(call from_debian,command -v chromium >/dev/null,the browser tests need Chromium as the\
	  command chromium,chromium)

TWIG = /usr/share/php/Twig/autoload.php
# The shop modules of integrations/ are PHP, and are tested by PHP.
.php:
	$(call from_debian,php -m 2>/dev/null | grep -q pdo_sqlite && test -e $(TWIG),the shop modules\
	  are tested by PHP with SQLite and Twig,php-cli php-sqlite3 php-twig)

# The archives that shops install: dist/vitrina-woocommerce.zip and dist/vitrina.ocmod.zip.
modules:
	$(PYTHON) integrations/build.py dist

format: setup
	$(BIN)/ruff check --fix $(CHECKED)
	$(BIN)/ruff format $(CHECKED)

constraints: setup
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-annotate --custom-compile-command "make constraints" --quiet \
	  --extra train --extra tensorboard --extra openvino --extra scale --extra postgres --group dev \
	  pyproject.toml -o constraints.txt
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-annotate --custom-compile-command "make constraints" --quiet \
	  --constraint constraints.txt --extra postgres pyproject.toml -o deploy/constraints.txt
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-annotate --custom-compile-command "make constraints" --quiet \
	  --constraint constraints.txt --group draw pyproject.toml -o demo/constraints.txt

draw: setup
	$(BIN)/python -m pip install --disable-pip-version-check -q --require-hashes -r demo/constraints.txt
	$(BIN)/python -m demo.generator --out demo --contact-sheet docs/images/demo-contact-sheet.jpg

clean:
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache
