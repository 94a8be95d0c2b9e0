# Two commands: `make run` and `make test`. Without make: `python3 -m embedded run`, `python3 -m embedded test`.
PYTHON ?= python3

ifeq (, $(shell command -v $(PYTHON)))
$(error $(PYTHON) was not found. Python 3.11 or newer is needed: apt install python3, or make run PYTHON=/path/to/python3)
endif

.PHONY: run test lint format bench audit sbom release setup

run: ## everything, in one terminal
	@exec $(PYTHON) -m embedded run

test: ## the tests, with a real PostgreSQL
	@exec $(PYTHON) -m embedded test

lint: ## style, types, the direction of imports, forgotten migrations
	@exec $(PYTHON) -m embedded lint

format: ## put the code into its style
	@exec $(PYTHON) -m embedded format

bench: ## measurements; minutes, and only on a quiet machine worth anything
	@exec $(PYTHON) -m embedded bench

audit: ## ask whether anything is known against the dependencies; needs the Internet
	@exec $(PYTHON) -m embedded audit

sbom: ## write the dependencies down as CycloneDX, to .cache/sbom.cdx.json
	@exec $(PYTHON) -m embedded sbom

release: ## build all that a release consists of, twice, compare, and set its tag; RELEASE=dry: without the tag
	@exec $(PYTHON) -m embedded release $(RELEASE_OPTIONS)

setup: ## only the virtual environment, with the tools of development
	@exec $(PYTHON) -m embedded setup

screenshots: ## pictures of every page, light and dark, on a phone and on a desk
	@SCREENSHOTS="$${SCREENSHOTS:-screenshots}" exec $(PYTHON) -m embedded test tests/dashboard/test_every_page.py tests/dashboard/test_resuming.py -k sound -n 0
