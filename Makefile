# make demo    train a small network; needs python3 >= 3.11 and a package index, nothing else
# make test    run the tests              (PYTEST_ARGS="-k cuba" to choose)
# make test-all   and those that others stand for; before a release
# make lint    check style; make format   mend it; make types   check the types of the documentation
# make bench   run every benchmark        (BENCHMARKS=neurons,nmnist_step to choose)
# make docs    build the web site into docs/_build; a warning is an error
# make gpu-compile   compile for GPUs that are not there; GPU_JAX=0.11.2 chooses the version
# make dist    build wheel and sdist, check them, and try the wheel with core dependencies only
# make clean   remove environments, caches and builds; results in runs/ stay
#
# PYTHON=/path/to/python3.12 chooses the interpreter, VENV=folder the environment.

SHELL := /bin/sh
VENV ?= .venv
PYTHON ?=
PYTEST_ARGS ?= -n auto --dist worksteal
BENCHMARKS ?=
GPU_JAX ?=
GPU_ARGS ?=
DEMO := runs/moving_bars

candidates := $(or $(PYTHON),python3 python3.13 python3.12 python3.11)
python := $(VENV)/bin/python
pip := $(python) -m pip --disable-pip-version-check --quiet

# Set for another Python, these two break a fresh environment.
unexport PYTHONHOME PYTHONPATH

.PHONY: help demo test test-all lint types format bench docs gpu-compile dist clean venv-viz venv-dev venv-docs

help:
	@sed -n 's/^# \{0,1\}//p' Makefile | sed -n 1,11p

demo: venv-viz
	$(python) -m jslayer demo --out $(DEMO)
	@echo
	@echo "Results are in $(CURDIR)/$(DEMO):"
	@ls $(DEMO)

test: venv-dev
	$(python) -m pytest $(PYTEST_ARGS)

test-all:
	@$(MAKE) --no-print-directory test PYTEST_ARGS="$(PYTEST_ARGS) --thorough"

lint: venv-dev
	$(python) -m ruff check .
	$(python) -m ruff format --check .

types: venv-dev
	$(python) tools/check_types.py

format: venv-dev
	$(python) -m ruff check --fix .
	$(python) -m ruff format .

bench: venv-dev
	$(python) -m benchmarks $(if $(BENCHMARKS),--only $(BENCHMARKS))

docs: venv-docs
	$(python) -m tools.website

# An environment of its own: beside the CUDA plugin every other command would look for a GPU.
gpu-compile:
	@$(MAKE) --no-print-directory VENV=.venv-gpu venv-gpu
	.venv-gpu/bin/python -m tools.gpu_compile $(GPU_ARGS)

dist: venv-dev
	$(pip) install build twine
	rm -rf dist .venv-core
	$(python) -m build --outdir dist .
	$(python) -m twine check --strict dist/*
	$(python) -m venv .venv-core
	.venv-core/bin/python -m pip --disable-pip-version-check --quiet install dist/*.whl
	cd .venv-core && bin/jslayer --version && bin/jslayer bench --tiny --rounds 1

clean:
	rm -rf .venv .venv312 .venv-core .venv-gpu build docs/_build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
	find . -path './.*' -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

# The installation is editable: only a change of pyproject.toml asks for a new one.
venv-viz: $(VENV)/.installed-viz
venv-dev: $(VENV)/.installed-dev
venv-docs: $(VENV)/.installed-docs

# The parts of CUDA that compile; the plugin's version is that of JAX.
CUDA_LIBRARIES := cublas cusparse cusolver cufft nvjitlink cudnn-cu13
version := $(if $(GPU_JAX),==$(GPU_JAX))

.PHONY: venv-gpu
venv-gpu: | $(python)
	$(pip) install --editable . $(foreach part,jax jaxlib jax-cuda13-plugin jax-cuda13-pjrt,"$(part)$(version)") \
	  nvidia-nvvm nvidia-cuda-nvcc nvidia-cuda-runtime nvidia-cuda-cupti \
	  $(addprefix nvidia-,$(CUDA_LIBRARIES))

$(VENV)/.installed-%: pyproject.toml | $(python)
	@echo "Installing jslayer[$*] into $(VENV) ..."
	@$(python) -m pip --version >/dev/null 2>&1 || $(python) -m ensurepip
	$(pip) install --editable ".[$*]"
	@touch $@

# A version manager may put a python3.12 on PATH that fails when called, so each candidate is run.
$(python):
	@if [ -e $(VENV) ] && [ ! -f $(VENV)/pyvenv.cfg ]; then \
	  echo "make: $(VENV) exists and is no virtual environment; choose another: make VENV=folder" >&2; \
	  exit 1; \
	fi
	@for candidate in $(candidates); do \
	  $$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || continue; \
	  echo "Making $(VENV) with $$($$candidate --version) ..."; \
	  $$candidate -m venv --clear $(VENV) && exit 0; \
	  rm -rf $(VENV); \
	  echo "make: $$candidate could not make a virtual environment (see above)" >&2; \
	  exit 1; \
	done; \
	echo "make: jslayer needs Python 3.11 or later; none among: $(candidates)" >&2; \
	echo "make: install one, or name it: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)" >&2; \
	exit 1
