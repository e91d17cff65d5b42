# Every target does the set-up it needs: on a fresh machine `make demo` or `make test` is enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.regraft-setup
DEMO ?= starter:sentiment-movie
# Processes that share the tests; torch takes one thread in each.
JOBS ?= 2
# On a slow machine the rate falls to its end by then, in fewer steps.
DEMO_SECONDS ?= 345
PAGES := README.md README.zh.md ARCHITECTURE.md CONTRIBUTING.md CHANGELOG.md SECURITY.md

.PHONY: setup demo test test-slow check lint types order doctest links docs bench pins clean

setup: $(STAMP)

# The stamp is redone only when what is installed changed.
$(STAMP): pyproject.toml constraints.txt
	@start=$$(date +%s) && \
	{ test -x $(BIN)/python || $(PYTHON) -m venv $(VENV); } && \
	$(BIN)/python -m pip install -c constraints.txt -e '.[dev]' && \
	touch $(STAMP) && \
	echo "set up in $$(( $$(date +%s) - start )) seconds: $(VENV)"

demo: setup
	$(BIN)/regraft fit $(DEMO) --max-seconds $(DEMO_SECONDS)

test: setup
	$(BIN)/pytest tests -m "not slow" -n $(JOBS)

test-slow: setup
	$(BIN)/pytest tests -m slow

check: lint types order doctest links

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

order: setup
	$(BIN)/lint-imports

doctest: setup
	$(BIN)/pytest -q --doctest-modules src

links: setup
	$(BIN)/python docs/check_links.py

# Runs the examples in the pages and follows their links.
docs: setup links
	$(BIN)/pytest -q --doctest-glob='*.md' $(PAGES)

# Hours: nothing else may run meanwhile. The long scripts go on where they were stopped.
bench: setup
	$(BIN)/python -m pip install -c constraints.txt -e '.[bench]'
	$(BIN)/python bench/peers/make_venv.py
	$(BIN)/python bench/startup.py
	$(BIN)/python bench/peak.py
	$(BIN)/python bench/cost.py
	$(BIN)/python bench/against.py
	$(BIN)/python bench/views.py
	$(BIN)/python bench/million.py --width 96 --rows 100000 1000000
	$(BIN)/python bench/compiled.py
	$(BIN)/python bench/performance.py

# Writes constraints.txt anew from what the environment holds.
pins: setup
	$(BIN)/python -m pip install -c constraints.txt -e '.[dev,data,bench]'
	.ci/pins > constraints.txt.new && mv constraints.txt.new constraints.txt

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache build dist
