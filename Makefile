# Two commands matter: `make demo` runs the main job on real data, `make test` runs the tests.
# Both set up .venv first when it is missing or when constraints.txt or setup.cfg have changed.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help setup browser demo test test-slow test-gpu fuzz faults lint bench bench-gpu bench-scale dist docs \
	reproduce reproduce-quick clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | awk -F '\t' '{printf "  make %-14s %s\n", $$1, $$2}'

OLD := Python 3.11 or later is needed, but $(PYTHON) is %d.%d. Name another one: make setup PYTHON=python3.11
CHECK := import sys; v = sys.version_info; sys.exit(v < (3, 11) and "$(OLD)" % v[:2])

$(STAMP): constraints.txt setup.cfg pyproject.toml
	@echo "== setting up $(VENV) (pinned versions: constraints.txt)"
	@$(PYTHON) -c '$(CHECK)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch==2.13.0
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

setup: $(STAMP) ## create .venv with everything (done by the targets below when needed)

browser: ## Chromium and Node on Debian, for the tests of pages and JavaScript, which skip without (needs root)
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium nodejs fonts-dejavu-core

demo: $(STAMP) ## the main job on letter.p2, one seed: teacher, MUNGE, student, table (about 3 minutes)
	@echo "== teacher -> MUNGE -> labels -> student on letter.p2 (reports go to out/demo)"
	$(BIN)/python -m experiments.model_compression --demo --problems letter.p2 --seeds 0 --out out/demo

# one process per core; each test is small and uses one thread
PARALLEL := -n logical --dist worksteal

test: $(STAMP) ## the tests (minutes)
	@echo "== running the tests"
	$(BIN)/python -m pytest $(PARALLEL)

test-slow: $(STAMP) ## the tests that train for long
	$(BIN)/python -m pytest -m slow

test-gpu: $(STAMP) ## the tests that need a CUDA device (skipped without one)
	$(BIN)/python -m pytest -m gpu -rs tests/test_gpu.py

# inputs for each fuzzer, of which there are eighteen
FUZZ ?= 1200

fuzz: $(STAMP) ## random files and tables, at least 20,000 inputs, other ones each time (at most 10 minutes); FUZZ=
	@echo "== fuzzing with $(FUZZ) inputs for each test"
	FUZZ=$(FUZZ) $(BIN)/python -m pytest $(PARALLEL) tests/fuzz

# runs of generation, labelling and training each that are killed
FAULTS ?= 30

faults: $(STAMP) ## kills at random moments, lost workers, full disks: the same bytes (at most 10 minutes); FAULTS=
	@echo "== $(FAULTS) runs of each kind, killed at a random moment"
	FAULTS=$(FAULTS) $(BIN)/python -m pytest $(PARALLEL) -m 'slow or not slow' -rP tests/faults \
		tests/test_shards.py tests/test_checkpoint.py

lint: $(STAMP) ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

dist: $(STAMP) ## sdist and wheel in dist/, checked by twine
	rm -rf build dist *.egg-info/SOURCES.txt  # which keep files that are gone
	$(BIN)/python -m build --no-isolation --outdir dist .
	$(BIN)/python -m twine check --strict dist/*

docs: $(STAMP) ## the documentation in out/docs, without a warning; runs the gallery, needs no network (GALLERY=0: shows it only)
	MPLBACKEND=agg $(BIN)/python -m sphinx -W --keep-going -q -b html -c docs -d out/doctrees . out/docs
	@echo "written: out/docs/index.html"

bench: $(STAMP) ## speed and memory, as ratios in one run
	$(BIN)/python -m experiments.benchmarks.munge
	$(BIN)/python -m experiments.benchmarks.student_speed
	$(BIN)/python -m experiments.benchmarks.export
	$(BIN)/python -m experiments.benchmarks.serving

bench-scale: $(STAMP) ## shards of 1 to 100 million rows: memory, rows per second (about an hour, 20 GB of disk; SCALE=)
	$(BIN)/python -m experiments.benchmarks.scale $(SCALE)

bench-gpu: $(STAMP) ## training on a CUDA device: agreement with the CPU, speed (at most 8 minutes); small without one
	$(BIN)/python -m experiments.benchmarks.gpu

REPRODUCTION := model_compression teachers hidden_units overfitting recipe density_2d generators \
	munge_parameters compress_anything small_models original_labels numerical_embeddings hinton mimic fitnets \
	rocket rocket_flights dual_dnn ranking cascade
# of every script by default; for instance make reproduce SEEDS="0 1" JOBS=2, or NAMES=ranking
NAMES ?= $(REPRODUCTION)
PROBLEMS ?=
SEEDS ?=
JOBS ?= -1

reproduce: $(STAMP) ## every experiment in full: 12 to 24 hours on 2 cores; resumable; NAMES=, SEEDS=, PROBLEMS=, JOBS=
	@set -e; for name in $(NAMES); do \
		echo "== experiments.$$name"; \
		$(BIN)/python -m experiments.$$name --n-jobs $(JOBS) \
			$(if $(SEEDS),--seeds $(SEEDS)) $(if $(PROBLEMS),--problems $(PROBLEMS)); \
	done
	$(BIN)/python -m experiments.report

reproduce-quick: $(STAMP) ## every experiment at its smallest size, one seed: minutes; results go to out/quick
	@set -e; for name in $(NAMES); do \
		echo "== experiments.$$name"; $(BIN)/python -m experiments.$$name --quick --seeds 0 --n-jobs $(JOBS); \
	done

clean: ## remove .venv and out/
	rm -rf $(VENV) out build dist
