# Needs only make and Python 3.10 to 3.13. Every target creates .venv by itself the first time.
PYTHON ?= python3
# LATEST=1: the newest release of everything, in an environment of its own, instead of those of constraints.txt
LATEST ?=
VENV   ?= .venv$(if $(LATEST),-latest)
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

PRESET ?= toy
SEED   ?= 0
DEVICE ?= auto
DATA   ?=
RUN    ?= runs/$(PRESET)$(if $(filter-out 0,$(SEED)),-seed$(SEED))
OVERRIDES ?= {}
# FRESH=1: delete what is there and train anew
override FRESH := $(filter-out 0 no false,$(FRESH))
# the cores this process may use; asked when a recipe needs it, so after .venv is made
JOBS   ?= $(shell $(BIN)/python -c "from dmic.compute.threads import available_cpus; print(available_cpus())" 2>/dev/null || echo 2)
ARMS   ?= all
SEEDS  ?= 0 1 2
# a study's results; none: results/study_<preset>_<data set>.json
RESULTS ?=
# its run folders: of one preset, data set and budget, which a results file of its own names
STUDY  ?= runs/study$(if $(filter-out toy,$(PRESET)),-$(PRESET))$(if $(DATA),-$(call last,$(DATA)))$(if $(RESULTS),-$(basename $(call last,$(RESULTS))))

# a value as one word of the shell, whatever it holds; ~/ in front stays the home folder
quoted = $(subst '~/,~/','$(subst ','\'',$(1))')
# the last name in a path; make counts words, so blanks become _
last   = $(notdir $(patsubst %/,%,$(subst $() ,_,$(1))))
$(foreach name,VENV PYTHON,$(if $(word 2,$($(name))),$(error $(name) is "$($(name))", which must not hold blanks)))
WHERE  = $(if $(DATA),--data $(call quoted,$(DATA)))

.DEFAULT_GOAL := help
.PHONY: help train test check lint fix lab figures ablations clean

help: ## show this list
	@echo "Usage: make TARGET [PRESET=toy] [SEED=0] [DEVICE=auto] [DATA=folder] [RUN=folder] [OVERRIDES=json] [JOBS=cores] [FRESH=1]"
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1 \2/p' $(MAKEFILE_LIST) | awk '{t = $$2; $$1 = $$2 = ""; printf "  make %-13s%s\n", t, $$0}'

train: $(READY) ## render people if missing, train both phases, leave an HTML report (goes on where it stopped; FRESH=1: anew)
	$(BIN)/dmic train --preset $(PRESET) $(WHERE) --run $(call quoted,$(RUN)) --seed $(SEED) --device $(DEVICE) \
		--overrides $(call quoted,$(OVERRIDES)) $(if $(FRESH),--restart)
	@$(BIN)/dmic report $(call quoted,$(RUN))

test: lint ## lint, types and every test
	$(PYTEST) --durations=10

check: lint ## lint, types and the tests of single parts: minutes; leaves out whole runs, notebooks and renderings
	$(PYTEST) -m "not slow"

# one thread in each of JOBS processes; tests/conftest.py says which tests share a process
PYTEST = OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n $(JOBS)

lint: $(READY) ## ruff (check and format), notebooks without outputs, mypy, the CI's own file
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(NBSTRIPOUT) --verify notebooks/*.ipynb
	$(BIN)/mypy
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml

fix: $(READY) ## correct what lint finds, as far as tools can
	$(NBSTRIPOUT) notebooks/*.ipynb
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

NBSTRIPOUT = $(BIN)/nbstripout --extra-keys "$(strip $(STRIPPED))"
STRIPPED = $(addprefix metadata.,papermill widgets) \
	$(addprefix metadata.language_info.,version codemirror_mode file_extension mimetype nbconvert_exporter pygments_lexer) \
	$(addprefix cell.metadata.,papermill execution collapsed scrolled)

lab: $(READY) ## open the notebooks in JupyterLab
	$(BIN)/jupyter lab --notebook-dir=notebooks

figures: $(READY) ## draw the README's figures again, from a finished run (RUN=...)
	@$(BIN)/dmic render toy
	$(BIN)/python -m dmic.plots.people data/synthvi-toy notebooks/figures $(call quoted,$(RUN))

ablations: $(READY) ## train every arm of notebook 08 with SEEDS (hours; goes on where it stopped; FRESH=1: anew; with a GPU: JOBS=1)
	$(BIN)/python -m dmic.lab.study $(WHERE) --out $(call quoted,$(STUDY)) --preset $(PRESET) \
		--overrides $(call quoted,$(OVERRIDES)) --arms $(ARMS) --seeds $(SEEDS) --jobs $(JOBS) \
		--results $(if $(RESULTS),$(call quoted,$(RESULTS))) $(if $(FRESH),--fresh)

clean: ## remove the environment, rendered people and caches; your runs stay
	rm -rf $(VENV) .venv-* data/synthvi-* *.egg-info build
	rm -rf .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find dmic data_scripts tests notebooks -name __pycache__ -o -name .ipynb_checkpoints | xargs rm -rf

PYTHONS ?= 3.10 3.11 3.12 3.13
.PHONY: pythons constraints
pythons: ## `make test` on the oldest and newest Python, `make check` on all between and with LATEST=1 (about an hour)
	@for version in $(PYTHONS); do \
		command -v python$$version > /dev/null || { echo "no python$$version on the PATH; PYTHONS=\"3.11 3.13\" chooses others"; exit 1; }; \
		case $$version in $(firstword $(PYTHONS))|$(lastword $(PYTHONS))) goal=test;; *) goal=check;; esac; \
		echo "== Python $$version: make $$goal"; \
		make --no-print-directory $$goal PYTHON=python$$version VENV=.venv-$$version || exit 1; \
	done
	@echo "== the newest of everything: make check LATEST=1"
	@make --no-print-directory check LATEST=1 PYTHON=python$(lastword $(PYTHONS))

# torch is held back by what is in the file already; to raise everything: make constraints UPGRADE=--upgrade
constraints: ## write constraints.txt anew from pyproject.toml, for every Python at once; then run `make pythons`
	@test -d .venv-uv || { $(PYTHON) -m venv .venv-uv && .venv-uv/bin/python -m pip install --quiet uv; }
	@.venv-uv/bin/uv pip compile pyproject.toml --extra course --extra test --universal --python-version 3.10 \
		--quiet --no-annotate --no-header $(UPGRADE) --output-file constraints.txt > /dev/null

$(READY): pyproject.toml $(if $(LATEST),newest,constraints.txt)
	@python=$(BIN)/python; test -x $$python || python=$(PYTHON); \
		$$python -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' || \
		{ echo "Python 3.10 to 3.13 is needed; try: rm -rf $(VENV); make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "python3 -m venv failed; on Debian or Ubuntu: apt-get install python3-venv"; exit 1; }
	@echo "Installing into $(VENV) (once; PyTorch is large: several minutes)"
	@$(BIN)/python -m pip install --quiet "pip>=22"
	@$(BIN)/python -m pip install --quiet $(if $(LATEST),--upgrade --upgrade-strategy eager,--constraint constraints.txt) --editable ".[course,test]"
	@touch $(READY)

.PHONY: newest
newest:
