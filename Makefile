# Needs only make and Python >= 3.10. Every target creates .venv by itself the first time.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

PRESET ?= toy
SEED   ?= 0
DEVICE ?= auto
DATA   ?= data/$(if $(filter toy small,$(PRESET)),synthvi-)$(PRESET)
RUN    ?= runs/$(PRESET)$(if $(filter-out 0,$(SEED)),-seed$(SEED))
OVERRIDES ?= {}
JOBS   ?= $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
ARMS   ?= dmic vanilla dnc mie continued cluster_joint cluster_intra momentum slow_momentum camera modality supervised
SEEDS  ?= 0 1 2
override RUN := $(patsubst %/,%,$(RUN))
NOTEBOOK := 09_full_training

.DEFAULT_GOAL := help
.PHONY: help train test lint lab figures ablations clean

help: ## show this list
	@echo "Usage: make TARGET [PRESET=toy] [SEED=0] [DEVICE=auto] [DATA=folder] [RUN=folder] [OVERRIDES=json] [JOBS=cores]"
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1 \2/p' $(MAKEFILE_LIST) | awk '{t = $$2; $$1 = $$2 = ""; printf "  make %-10s%s\n", t, $$0}'

train: $(READY) $(DATA)/dataset.json ## render people if missing, train both phases, leave an HTML report
	@mkdir -p $(dir $(RUN))
	$(BIN)/papermill notebooks/$(NOTEBOOK).ipynb $(RUN).running.ipynb --kernel python3 --log-output --no-progress-bar \
		-p preset $(PRESET) -p data_root $(DATA) -p run_dir $(RUN) -p seed $(SEED) -p device $(DEVICE) -p overrides '$(OVERRIDES)'
	@mv $(RUN).running.ipynb $(RUN)/$(NOTEBOOK).ipynb
	@$(BIN)/jupyter nbconvert --log-level=ERROR --to html --output report.html $(RUN)/$(NOTEBOOK).ipynb
	@echo
	@echo "Report:  $(abspath $(RUN)/report.html)   (open it in a browser)"
	@echo "Numbers: $(RUN)/summary.json; one line per epoch in $(RUN)/metrics.jsonl"
	@echo "Next:    make lab, open $(NOTEBOOK).ipynb, and try its exercises"

test: lint ## lint, types and every test
	$(BIN)/python -m pytest -q -n $(JOBS) --dist loadgroup

lint: $(READY) ## ruff (check and format) and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

lab: $(READY) ## open the notebooks in JupyterLab
	$(BIN)/jupyter lab --notebook-dir=notebooks

figures: $(READY) $(DATA)/dataset.json ## draw the README's figure again
	$(BIN)/python -m dmic.plots.people $(DATA) notebooks/figures

ablations: $(READY) $(DATA)/dataset.json ## train every arm of notebook 08 with SEEDS (hours; goes on where it stopped)
	$(BIN)/python -m dmic.lab.study --data $(DATA) --out runs/study --preset $(PRESET) --overrides '$(OVERRIDES)' \
		--arms $(ARMS) --seeds $(SEEDS) --jobs $(JOBS) --results notebooks/ablations.json

clean: ## remove the environment, rendered people and caches; your runs stay
	rm -rf $(VENV) data/synthvi-* *.egg-info build
	rm -rf .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find dmic data_scripts tests notebooks -name __pycache__ -o -name .ipynb_checkpoints | xargs rm -rf

data/synthvi-%/dataset.json: | $(READY)
	$(BIN)/python data_scripts/render_synthvi.py --preset $* --out data/synthvi-$*

%/dataset.json:
	@echo "No data set in $(DATA): give DATA=folder, prepared from your own copy by data_scripts/ (see README.md)"; exit 1

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "Python >= 3.10 is needed; try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "python3 -m venv failed; on Debian or Ubuntu: apt-get install python3-venv"; exit 1; }
	@echo "Installing into $(VENV) (once; PyTorch is large: several minutes)"
	@$(BIN)/python -m pip install --quiet "pip>=22"
	@$(BIN)/python -m pip install --quiet --editable ".[test]"
	@touch $(READY)
