# Everything here needs Python >= 3.11 and make only; `make demo` and `make test` do their own set-up.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
CHECKS := $(VENV)/.checks

.DEFAULT_GOAL := help
.PHONY: help demo test test-all test-image chaos bench fuzz mutants lint audit sbom lock chart-readme serve clean

help:
	@echo "make demo      see it work: service, stand-in provider, faults, a ledger"
	@echo "make test      the test suite (under five minutes, no system packages)"
	@echo "make test-all  the same, and faults, crashes, chaos, replicas and real servers; nothing may be skipped"
	@echo "               (needs root, and what .ci/run installs: strace, faketime, Ceph, PgBouncer, Azurite, Helm, promtool, Chromium, buildah)"
	@echo "make test-image  build the image, look at it, and run the system tests in its containers"
	@echo "make chaos     10,000 tasks through kills, outages and full disks (half an hour; needs strace, root fills disks)"
	@echo "make bench     what it comes to, as ratios of the same run (an hour; needs aria2, curl and Ceph's S3)"
	@echo "make fuzz      look for inputs that break a promise, by coverage: MINUTES=10 for each target, TARGET=payload for one"
	@echo "make mutants   change modules in many small ways and see whether tests notice: MODULES=\"service/domain/retry.py …\""
	@echo "make lint      ruff, mypy, hadolint"
	@echo "make audit     known vulnerabilities in what requirements*.lock name (asks a service; never passes in silence)"
	@echo "make sbom      what the image ships, as CycloneDX JSON: darkroom-sbom.cdx.json"
	@echo "make serve     run the service with ./data"
	@echo "make lock      renew the requirements*.lock files (needs uv)"
	@echo "make chart-readme  renew the tables of charts/darkroom/README.md from values.yaml"
	@echo "make clean     remove the virtual environment and caches"

$(READY): requirements.lock requirements-build.lock requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	  || { echo "Darkroom needs Python 3.11 or newer; name one with: make $(MAKECMDGOALS) PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-build.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --require-hashes -r requirements.lock -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(CHECKS): $(READY) requirements-checks.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-checks.lock
	@touch $@

demo: $(READY)
	@$(BIN)/darkroom demo $(ARGS)

test: $(READY)
	$(BIN)/python -m pytest -n auto --dist worksteal -m "not long" $(ARGS)

test-all: $(CHECKS)
	$(BIN)/python -m pytest -n auto --dist worksteal --nothing-skipped --ignore=tests/image $(ARGS)
	@$(MAKE) --no-print-directory test-image

IMAGE := localhost/darkroom:test
IN_CONTAINER := $(addprefix tests/system/test_, api_keys.py black_box.py callback_answers.py commands.py \
  forbidden_links.py kill.py missed.py one_callback.py retry_command.py secrets.py start.py termination.py \
  verify_and_rebuild.py)
# The others hold the process from outside: by strace, a false clock, a full disk, a frozen process.
test-image: $(READY)
	tests/image/build.sh $(IMAGE)
	DARKROOM_TEST_IMAGE=$(IMAGE) $(BIN)/python -m pytest -n auto --dist worksteal --nothing-skipped tests/image $(IN_CONTAINER)

chaos: $(READY)
	DARKROOM_CHAOS=full $(BIN)/python -m pytest -s --nothing-skipped tests/crash
	$(BIN)/python -m tests.chaos $(ARGS)

bench: $(READY)
	$(BIN)/python -m tests.benchmarks $(ARGS)

MINUTES ?= 10
fuzz: $(CHECKS)
	@$(BIN)/python -m tests.fuzz --minutes $(MINUTES) $(if $(TARGET),--target $(TARGET)) $(if $(INPUT),--input $(INPUT))

MODULES ?= $(filter-out %/__init__.py,$(wildcard service/domain/*.py service/outbound/*.py service/intake/*.py))
mutants: $(CHECKS)
	@$(BIN)/python -m tests.mutation $(ARGS) $(MODULES)

lint: $(CHECKS)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/hadolint Dockerfile

audit: $(CHECKS)
	@$(BIN)/python -m tests.supply.audit $(ARGS)

sbom: $(CHECKS)
	@$(BIN)/python -m tests.supply.sbom

serve: $(READY)
	@$(BIN)/darkroom serve

chart-readme: $(READY)
	$(BIN)/python -m tests.charts.readme

COMPILE := uv pip compile --universal --generate-hashes --no-header --no-annotate -q
lock:
	$(COMPILE) pyproject.toml --extra traces -o requirements.lock
	$(COMPILE) --group build -o requirements-build.lock
	$(COMPILE) pyproject.toml --extra traces --group dev -c requirements.lock -o requirements-dev.lock
	$(COMPILE) --group checks -c requirements.lock -c requirements-dev.lock -o requirements-checks.lock

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis mutants
