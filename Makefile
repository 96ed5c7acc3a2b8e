PYTHON ?= python3
BIN := .venv/bin
SETUP := @$(PYTHON) -I -S scripts/bootstrap.py

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint docs bench clean

help: ## Show this
	@echo "make demo shows tc at work on this machine. All targets:"
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name text; do \
		printf '  %-7s %s\n' "$$name" "$$text"; done

setup: ## Make .venv with everything that tests and linters need
	$(SETUP) dev

demo: ## Make a sandbox of topologies/quickstart on this machine and use it
	$(SETUP) runtime
	@$(BIN)/python scripts/demo.py

test: ## Run the tests; ARGS="-k name" chooses
	$(SETUP) dev
	@$(BIN)/python -m pytest -rfEs $(ARGS)

lint: ## Check style, format and types
	$(SETUP) dev
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/mypy --no-error-summary
	@echo "ruff and mypy: nothing to mend"

docs: ## Write docs/cli.md and docs/components.md anew
	$(SETUP) dev
	@$(BIN)/python scripts/cli_docs.py
	@$(BIN)/python scripts/components_docs.py

bench: ## Measure tc beside its floor
	$(SETUP) dev
	@$(BIN)/python -m bench $(ARGS)

clean: ## Remove .venv and caches; sandboxes stay
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
