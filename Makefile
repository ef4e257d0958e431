PYTHON ?= python3.11
BIN := .venv/bin
# A terminal's line a step, with the name of its chain before it; a chain that fails fails the whole.
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
TYPES = mypy --config-file ../../pyproject.toml --cache-dir ../../.mypy_cache/devices
CHAINS = $(patsubst datasets/%.yaml,chain-%-$(1),$(wildcard datasets/*.yaml))

export PATH := $(CURDIR)/.venv/bin:$(PATH)
unexport PYTHONDONTWRITEBYTECODE # containers set it; a pipeline of many processes would compile all libraries in each
export DVC_NO_ANALYTICS := 1
export ITERATIVE_DO_NOT_TRACK := 1
export DVC_SITE_CACHE_DIR := $(CURDIR)/.dvc/site
export MLFLOW_DISABLE_TELEMETRY := true
export GX_ANALYTICS_ENABLED := false

.PHONY: demo real test slow bench docs clean

.venv/ready: pyproject.toml constraints.txt
	test -d .venv || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --no-deps --no-compile --requirement constraints.txt
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	$(BIN)/python -m pip check
	touch $@

.dvc/config: | .venv/ready
	$(BIN)/dvc init --no-scm --quiet
	$(BIN)/dvc config core.analytics false
	$(BIN)/dvc config core.check_update false

demo: .venv/ready .dvc/config
	$(BIN)/medassay init --demo-keys
	$(MAKE) --no-print-directory -k -j 2 $(call CHAINS,phantom); code=$$?; $(BIN)/medassay status; exit $$code

real: .venv/ready .dvc/config
	$(BIN)/medassay init --demo-keys
	$(BIN)/medassay status --data "$(DATA)" --need-data
	export MEDASSAY_DATA="$(abspath $(DATA))"; \
	$(MAKE) --no-print-directory -k -j 2 $(call CHAINS,public); code=$$?; $(BIN)/medassay status; exit $$code

# All steps of one database and source. DVC waits while another chain reads or writes its lock file.
chain-%:
	$(BIN)/dvc --wait-for-lock repro --glob '*@$*' 2>&1 | sed -u 's/^/$*: /'

# Four workers share the processors; threads of libraries would wait for one another there, spinning.
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

test: .venv/ready
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then .ci/debian; fi
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	(for device in registry/*/; do (cd $$device && $(TYPES) .) || exit 1; done) & devices=$$!; \
	$(BIN)/mypy --strict src && wait $$devices
	$(BIN)/lint-imports
	$(ONE_THREAD) $(BIN)/python -P -m pytest -n 4 --dist loadfile --no-loadscope-reorder # two work while two wait for processes and disk

slow: .venv/ready
	$(BIN)/python -P -m pytest -m slow --durations=0

bench: .venv/ready
	for claim in auc beats surface_distance deidentify report_set; do $(BIN)/python -P benchmarks/$$claim.py || exit 1; done

docs: .venv/ready
	$(BIN)/python docs/generate_schemas.py
	$(BIN)/python -P docs/generate_statistics.py

clean:
	rm -rf .venv .medassay .dvc dvc.lock exports pipeline reports
