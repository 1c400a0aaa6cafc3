# deepdlt. `make` alone says what there is; `make retrain` needs nothing but Python >= 3.11.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
UV ?= uv
BIN := .venv/bin
PYTEST = $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --no-loadscope-reorder

# What the command line says counts; a variable of one of these names in the environment is not meant for us.
$(foreach one,SOURCE SHEET PROFILE LABELS FOLDS SCHEMES MODELS EPOCHS PRESET SEED SEEDS SET REFRESH ACCEPT_CHANGES ROWS PAIRS,$(eval $(one) :=))

# The parameters of a night, as `make retrain SOURCE=... LABELS="NP PP1"`; what is not given is not passed on.
NIGHT = $(if $(SOURCE),--source "$(SOURCE)") $(if $(SHEET),--sheet "$(SHEET)") $(if $(PROFILE),--profile "$(PROFILE)") $(if $(LABELS),--labels "$(LABELS)") \
	$(if $(FOLDS),--folds "$(FOLDS)") $(if $(SCHEMES),--schemes "$(SCHEMES)") $(if $(MODELS),--models "$(MODELS)") \
	$(if $(EPOCHS),--epochs "$(EPOCHS)") $(if $(PRESET),--preset "$(PRESET)") $(if $(SEED),--seed "$(SEED)") \
	$(if $(SEEDS),--seeds "$(SEEDS)") $(if $(REFRESH),--refresh "$(REFRESH)") $(foreach one,$(SET),--set '$(one)') \
	$(if $(filter-out 0 no false,$(ACCEPT_CHANGES)),--accept-changes)

# The stamp holds the folder it was made for: a moved or broken environment is made again.
ifneq ($(shell [ "$$(cat .venv/.stamp 2>/dev/null)" = "$(CURDIR)" ] && $(BIN)/python -S -c '' 2>/dev/null && echo whole),whole)
.PHONY: .venv/.stamp
endif

.venv/.stamp: requirements.lock pyproject.toml deployments/environment.py
	@$(PYTHON) deployments/environment.py

.PHONY: help retrain up down status deploy test test-long bench bench-gpu bench-document choices choices-document check format lock clean
help: ## this list
	@echo 'deepdlt: SEM images in, per-label reconstruction metrics out.'
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-24s%s\n", $$1, $$2 }'
	@echo 'Parameters of retrain: SOURCE SHEET PROFILE LABELS FOLDS SCHEMES MODELS EPOCHS PRESET SEED SEEDS SET REFRESH ACCEPT_CHANGES=1'
	@echo '  make retrain SOURCE=../images LABELS="NP PP1" SET="beta=4 latent_dim=32"    (no spaces in a value of SET: `deepdlt retrain --set` takes them)'

retrain: .venv/.stamp ## run one night to its end and print its metrics
	@$(BIN)/deepdlt retrain $(NIGHT)

up: .venv/.stamp ## start the local server and workers, and keep them
	@$(BIN)/deepdlt up

down: ## stop what `up` started
	@if [ -x $(BIN)/deepdlt ]; then $(BIN)/deepdlt down; fi

status: .venv/.stamp ## say what runs
	@$(BIN)/deepdlt status || true

deploy: .venv/.stamp ## register the deployments with the server
	@$(BIN)/deepdlt deploy

test: .venv/.stamp ## run the tests
	@$(PYTEST) -m 'not long'

test-long: .venv/.stamp ## run the tests that take minutes, too, and try new examples
	@$(PYTEST) --hypothesis-profile new-examples

build/benchmarks/packages: .venv/.stamp benchmarks/reference/requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --upgrade --target $@ --requirement benchmarks/reference/requirements.txt
	@touch $@

bench: build/benchmarks/packages ## time the program against the published way of working (ROWS="prepare load" SOURCE=../images)
	@$(BIN)/python -m benchmarks run $(ROWS) $(if $(SOURCE),--source "$(SOURCE)") $(if $(PAIRS),--pairs $(PAIRS))

bench-gpu: build/benchmarks/packages ## the rows that need a CUDA device
	@$(BIN)/python -m benchmarks run $(ROWS) --gpu $(if $(SOURCE),--source "$(SOURCE)") $(if $(PAIRS),--pairs $(PAIRS))

bench-document: .venv/.stamp ## write docs/performance.md from the results that are kept
	@$(BIN)/python -m benchmarks document

choices: .venv/.stamp ## train with every choice for a while, side by side (SOURCE=../images)
	@$(BIN)/python -m benchmarks.choices run $(if $(SOURCE),--source "$(SOURCE)") $(if $(EPOCHS),--epochs $(EPOCHS))

choices-document: .venv/.stamp ## write docs/choices.md from what is kept of that
	@$(BIN)/python -m benchmarks.choices document

check: .venv/.stamp ## lint, format check, types
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

format: .venv/.stamp ## put the code in its form
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

# PyTorch and the CUDA packages it brings are left out: deployments/environment.py chooses the build.
lock: ## write requirements.lock anew (UPGRADE=--upgrade takes newer versions)
	@mkdir -p build && cp requirements.lock build/requirements.lock 2>/dev/null || true
	@printf 'pip\nsetuptools>=77\n' | $(UV) pip compile pyproject.toml - --extra dev --extra many --universal --python-version 3.11 \
		--generate-hashes --no-strip-extras --custom-compile-command 'make lock' --quiet $(UPGRADE) --output-file build/requirements.lock
	@awk '/^[^ #]/ { is_left_out = /^(torch=|triton=|cuda-|nvidia-)/ } !is_left_out' build/requirements.lock > requirements.lock
	@grep -c '^[a-z]' requirements.lock | sed 's/$$/ packages locked/'

TRY_LOCK = import fcntl; fcntl.flock(open(".stack/prefect/server.lock"), fcntl.LOCK_EX | fcntl.LOCK_NB)
clean: ## remove what can be made again (never the lake's data)
	@if [ -e .stack/state.json ]; then $(MAKE) --no-print-directory down; fi
	@if [ -e .stack/prefect/server.lock ] && ! $(PYTHON) -c '$(TRY_LOCK)' 2>/dev/null; then \
		echo 'A Prefect server runs on the files in .stack: stop it first (systemctl --user stop deepdlt.target).' >&2; exit 1; fi
	@rm -rf .venv .stack build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
