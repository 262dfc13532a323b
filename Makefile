# Two commands: `make report` and `make test`. Both make the environment first, if it is not there.
PYTHON ?= python3
VENV ?= .venv
WORKERS ?= 2
BIN := $(VENV)/bin
RESULTS := reports/results.json

.PHONY: report test lint types laws clean

report: $(VENV)/.ready
	@echo "1/3  laws: our references and the installed public libraries"
	@$(BIN)/detrace verify reference peers -n $(WORKERS) --results $(RESULTS) || [ $$? -eq 1 ]
	@echo "2/3  benchmarks: side by side, one thread, interleaved"
	@$(BIN)/detrace bench --results $(RESULTS)
	@echo "3/3  the page"
	@$(BIN)/detrace report --results $(RESULTS) -o reports/report.html

test: $(VENV)/.ready lint types
	$(BIN)/pytest tests verify -n $(WORKERS) --dist=loadgroup -q

lint: $(VENV)/.ready
	$(BIN)/ruff check .

types: $(VENV)/.ready
	$(BIN)/mypy

laws: $(VENV)/.ready
	@$(BIN)/detrace laws --long

$(VENV)/.ready: pyproject.toml constraints.txt peers-without-dependencies.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt torch numpy
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e ".[peers,compiled,dev]"
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps -r peers-without-dependencies.txt
	@touch $@

clean:
	rm -rf $(VENV) .hypothesis .pytest_cache .ruff_cache .mypy_cache .detrace build dist *.egg-info
