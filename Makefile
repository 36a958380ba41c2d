# nearhum. `make` alone lists what can be done; `make demo` and `make test` need nothing installed beforehand but
# Python 3.11 and make.

PYTHON ?= python3
SECONDS ?= 120
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.nearhum-setup

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all test-faults fuzz test-board test-emulated lint format size bench evaluate poison bench-fleet docs wheel soak heads pictures clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /|/' | awk -F'|' '{printf "  make %-14s %s\n", $$1, $$2}'

setup: $(STAMP) ## make .venv with the command `nearhum` in it

# uv where it is present (seconds), venv and pip otherwise (a minute)
$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "nearhum needs Python 3.11 or newer; name one: make PYTHON=python3.12"; exit 1; }
	@if command -v uv >/dev/null 2>&1; then \
	  uv venv --quiet --allow-existing --python $(PYTHON) $(VENV) && \
	  uv pip install --quiet --compile-bytecode --python $(BIN)/python -e '.[dev]'; \
	else \
	  $(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'; \
	fi
	@touch $(STAMP)

demo: setup ## learn, watch, enrol and report on a virtual board, with real recordings; writes report.html
	@$(BIN)/nearhum demo

test: setup lint ## lint and all tests, in about six minutes on two cores
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow"

test-all: setup ## the slow tests that `make test` leaves out: what must hold over all recordings, in four minutes
	$(BIN)/python -m pytest -n 2 -m slow

fuzz: setup ## fuzz the host's parsers, guided by coverage, for SECONDS of wall time
	$(BIN)/python tests/fuzz/run.py --seconds $(SECONDS)

test-faults: setup ## every fault at every stage, power cuts first: prints a table
	$(BIN)/python tests/faults/run.py

soak: setup ## months of a board's time, a window a second: DAYS=90 as fast as it goes, or HOURS=N at the host's pace
	$(BIN)/python tests/soak.py $(if $(DAYS),--days $(DAYS)) $(if $(HOURS),--hours $(HOURS))

lint: setup ## ruff and pyright
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/pyright

format: setup ## let ruff lay out the code
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

test-board: setup ## the device tests, the doctor and the self-test on a real board: PORT=..., BOARD=its board file
	@test -n "$(PORT)" || { echo "make test-board PORT=/dev/ttyACM0 [BOARD=rpi_pico]"; exit 1; }
	$(BIN)/python tests/device/run.py --target $(PORT) $(if $(BOARD),--board $(BOARD))
	$(BIN)/nearhum doctor --port $(PORT)
	$(BIN)/nearhum selftest $(PORT) $(if $(BOARD),--board $(BOARD))

test-emulated: setup ## the device tests and the bits on an emulated RP2040; NEARHUM_UF2 names a firmware image; an hour
	$(BIN)/python tests/device/run.py --target emulated
	$(BIN)/python tests/bits.py --target emulated

size: setup ## flash and heap of every module on an emulated RP2040; NEARHUM_UF2 names a firmware image
	@$(BIN)/python tests/size.py

bench: setup ## what every stage costs; on an emulated RP2040 where NEARHUM_UF2 names a firmware image
	@$(BIN)/nearhum bench $(if $(NEARHUM_UF2),--target emulated)

evaluate: setup ## all protocols, both paths: writes EVALUATION.md; NEARHUM_DATA names the folder of recordings
	@$(BIN)/nearhum evaluate --data $${NEARHUM_DATA:-../shared/wide} --write .

heads: setup ## make the heads that come with nearhum again, byte for byte
	@$(BIN)/python heads/make.py

poison: setup ## how far an adversary moves what was learned in a day, with and without the guard
	@$(BIN)/python tests/poison.py

bench-fleet: setup ## a fleet of 1,000 boards and 30 days, on DuckDB and on Spark: 43 million rows, a gigabyte in /tmp, minutes
	@cd tests && ../$(BIN)/python bench_fleet.py

docs: setup ## the documentation as a site, in build/site; needs no network
	@DISABLE_MKDOCS_2_WARNING=true NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet
pictures: setup ## the README's pictures anew, from boards that run: docs/pictures
	@$(BIN)/python tests/pictures.py

wheel: setup ## build the wheel into dist/
	@$(BIN)/python -m build --wheel --outdir dist .

clean: ## remove what make made
	rm -rf $(VENV) dist build report.html demo-run .pytest_cache .ruff_cache .hypothesis fuzz-found
