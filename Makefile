# `make` alone lists the targets. `make demo` and `make test` need only Python 3.11 or newer and make.

PYTHON ?= python3
SECONDS ?= 120
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.nearhum-setup
# The demo needs a small part of what the tests need. It takes theirs if that is there.
DEMO := $(if $(wildcard $(STAMP)),$(STAMP),$(VENV)/.nearhum-demo)

.DEFAULT_GOAL := help
.PHONY: help setup locked lock demo test test-all test-faults fuzz test-board test-emulated lint format size bench evaluate poison bench-fleet docs wheel soak heads pictures clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /|/' | awk -F'|' '{printf "  make %-14s %s\n", $$1, $$2}'

setup: $(STAMP) ## fill .venv with all that the tests need (2.2 GB); the command `nearhum` is in .venv/bin

FILL = @$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
  { echo "nearhum needs Python 3.11 or newer; name one: make PYTHON=python3.12"; exit 1; }; \
  $(PYTHON) requirements/install.py $(VENV)

$(STAMP): pyproject.toml
	$(FILL) dev && touch $@
$(VENV)/.nearhum-demo: pyproject.toml
	$(FILL) demo && touch $@

locked: ## the same in the very versions of requirements/dev.txt, their hashes checked, as CI takes them
	$(FILL) locked && touch $(STAMP)

UV := $(or $(shell command -v uv),$(BIN)/uv)
$(BIN)/uv: | $(DEMO)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9,<1'

LOCK = $(UV) pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest --generate-hashes --upgrade \
  --custom-compile-command 'make lock'
lock: $(UV) ## write requirements/dev.txt and build.txt again, with the newest versions that pyproject.toml allows
	@$(LOCK) --extra dev --output-file requirements/dev.txt pyproject.toml
	@$(LOCK) --group build --constraints requirements/dev.txt --output-file requirements/build.txt

demo: $(DEMO) ## learn, watch, enrol and report on a virtual board, with real recordings (writes report.html)
	@$(BIN)/nearhum demo

test: setup lint ## lint and all tests but the slow ones: about ten minutes on two cores
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow"

test-all: setup ## the slow tests, over all recordings: about nine minutes
	$(BIN)/python -m pytest -n 2 -m slow

fuzz: setup ## fuzz the host's parsers for SECONDS (default 120), guided by coverage
	$(BIN)/python tests/fuzz/run.py --seconds $(SECONDS)

test-faults: setup ## inject every fault at every stage, power cuts first, and print a table: half an hour
	$(BIN)/python tests/faults/run.py

soak: setup ## run a board for a long time: DAYS=90 simulated as fast as possible, or HOURS=N in real time
	$(BIN)/python tests/soak.py $(if $(DAYS),--days $(DAYS)) $(if $(HOURS),--hours $(HOURS))

lint: setup ## check the code with ruff and pyright
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/pyright

format: setup ## format the code with ruff
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

test-board: setup ## device tests, doctor and self-test on a real board: PORT=..., BOARD=its board file
	@test -n "$(PORT)" || { echo "make test-board PORT=/dev/ttyACM0 [BOARD=rpi_pico]"; exit 1; }
	$(BIN)/python tests/device/run.py --target $(PORT) $(if $(BOARD),--board $(BOARD))
	$(BIN)/nearhum doctor --port $(PORT)
	$(BIN)/nearhum selftest $(PORT) $(if $(BOARD),--board $(BOARD))

test-emulated: setup ## device tests and bit comparison on an emulated RP2040 with the image NEARHUM_UF2: an hour
	$(BIN)/python tests/device/run.py --target emulated
	$(BIN)/python tests/bits.py --target emulated

size: setup ## flash and heap of every module, on an emulated RP2040 with the image NEARHUM_UF2
	@$(BIN)/python tests/size.py

bench: setup ## time of every stage, here, or on an emulated RP2040 if NEARHUM_UF2 names an image
	@$(BIN)/nearhum bench $(if $(NEARHUM_UF2),--target emulated)

evaluate: setup ## run all protocols on both paths, with the recordings in NEARHUM_DATA (writes EVALUATION.md)
	@$(BIN)/nearhum evaluate --data $${NEARHUM_DATA:-../shared/wide} --write .

heads: setup ## train the heads that come with nearhum again, to the same bytes
	@$(BIN)/python heads/make.py

poison: setup ## measure how far an attacker can move the learned state in a day, with and without the guard
	@$(BIN)/python tests/poison.py

bench-fleet: setup ## evaluate 1,000 boards over 30 days on DuckDB and Spark: 43 million rows, 1 GB in /tmp, minutes
	@cd tests && ../$(BIN)/python bench_fleet.py

docs: setup ## build the documentation site in build/site, without network access
	@DISABLE_MKDOCS_2_WARNING=true NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet
pictures: setup ## draw the README's pictures again, from running boards, into docs/pictures
	@$(BIN)/python tests/pictures.py

wheel: setup ## build the wheel into dist/
	@$(BIN)/python -m build --wheel --outdir dist .

clean: ## remove everything that make created
	rm -rf $(VENV) dist build report.html demo-run .pytest_cache .ruff_cache .hypothesis fuzz-found
