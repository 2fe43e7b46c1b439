# Everything a person does with this project starts here. `make` alone lists it.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.DEFAULT_GOAL := help

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*?## ' $(MAKEFILE_LIST) | sed 's/:.*## /|/' | awk -F'|' '{printf "  make %-12s %s\n", $$1, $$2}'

$(STAMP): requirements.lock requirements-dev.lock
	@echo "Setting up .venv (once; about a minute) …"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11"; exit 2; }
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $(STAMP)

.PHONY: setup
setup: $(STAMP) ## create .venv with all dependencies pinned, and nothing else

.PHONY: run
run: setup ## start everything and sync; PLAN=1 only plans, WRITE=1 writes to real systems, LINKS=file.csv first applies links, ONCE=1 stops afterwards, EMPTY=1 starts without demo data, KEEP=1 keeps the last run's data, FRESH=1 deletes it
	@$(BIN)/python -m stack run $(if $(ONCE),--once) $(if $(EMPTY),--empty) $(if $(KEEP),--keep) $(if $(FRESH),--fresh) $(if $(PLAN),--plan) $(if $(WRITE),--write) $(if $(LINKS),--links $(LINKS))

.PHONY: test
test: setup ## the fast suite (under 5 minutes)
	@$(BIN)/python -m pytest

.PHONY: test-slow
test-slow: setup ## soaks, kill matrices and large data
	@$(BIN)/python -m pytest -m slow --timeout 3600

.PHONY: attack
attack: setup ## attacks on both services and the node, on loopback, for some minutes: request smuggling, slow callers and systems, bombs, forged events, random requests and configs
	@$(BIN)/python -m pytest -m "slow or not slow" --timeout 1200 tests/attack tests/security tests/localnode/node/test_node_fuzz.py tests/localnode/engine/test_engine_odd_records.py tests/connectors/common/test_odd_records.py tests/connectors/chargebee/test_chargebee_webhooks.py tests/e2e/test_taken_links.py

.PHONY: test-erp
test-erp: setup ## third-party ERPs, installed into .cache and started on loopback; "Error 3" means that they cannot be downloaded here
	@$(BIN)/python -m tests.erp_presets

.PHONY: erp-check
erp-check: setup ## try a profile against its ERP and report mistakes: make erp-check PROFILE=path/to/profile.json (settings from the environment or .env); INIT="URL …" drafts a profile (AUTH, HEADER)
	@$(BIN)/python -m stack.with_env connectors.erp.check $(if $(PROFILE),--profile $(PROFILE)) $(if $(JSON),--json) $(if $(INIT),--init $(INIT)) $(if $(AUTH),--auth $(AUTH)) $(foreach one,$(HEADER),--header $(one))

.PHONY: chargebee-check
ifdef SITE
chargebee-check: export CHARGEBEE_SITE := $(SITE)
chargebee-check: export CHARGEBEE_BASE_URL :=
endif
ifdef KEY
chargebee-check: export CHARGEBEE_API_KEY := $(KEY)
endif
chargebee-check: setup ## check whether a Chargebee site behaves as assumed (settings from .env); WRITE=1: with writes, on a test site; ALL=1: with writes for documented facts, too; REPORT=file.md, JSON=1
	@$(BIN)/python -m stack.with_env connectors.chargebee.check $(if $(WRITE),--write) $(if $(ALL),--all) $(if $(JSON),--json) $(if $(REPORT),--report "$(REPORT)")

.PHONY: chargebee-schemas
chargebee-schemas: setup ## check every request of a full sync against the schemas of Chargebee's own client; "Error 3": it cannot be downloaded here
	@$(BIN)/python -m tests.sdk_schemas

.PHONY: soak
soak: setup ## random edits on both sides with faults and kill -9, judged by a model: make soak SEED=1 STEPS=400 KILLS=8 (CALM=1: no faults; CLOCKS=right: no skew)
	@$(BIN)/python -m tests.soundness --seed $(or $(SEED),1) --steps $(or $(STEPS),400) --kills $(or $(KILLS),0) \
	  $(if $(CALM),--no-faults) $(if $(CALM)$(filter right,$(CLOCKS)),,--drift)

.PHONY: lint
lint: setup ## ruff (rules and format) and mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy connectors core localnode sandbox stack bench

.PHONY: format
format: setup ## format the code with ruff
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

.PHONY: bench
bench: setup ## benchmarks: CPU seconds and calls, next to a baseline from the same run
	@$(BIN)/python -m bench

.PHONY: upload
upload: setup ## send pipes, systems and variables to a node: make upload NODE=https://… JWT=… (default: the local node)
ifeq ($(NODE),)
	@$(BIN)/python -m stack upload
else
	@command -v sesam > /dev/null || { echo "Sesam's own client does this: get sesam from https://github.com/sesam-community/sesam-py/releases, put it on your PATH and try again. Without it: $(BIN)/python -m stack upload --node $(NODE) --jwt …"; exit 2; }
	@env -u NODE -u JWT $(BIN)/python -m stack deploy-check
	@sesam -node "$(NODE)" -jwt "$(JWT)" -profile prod -enable-user-pipes upload
endif

.PHONY: pipes
pipes: setup ## generate pipes/ from mappings/ and templates/
	@$(BIN)/python -m stack pipes

.PHONY: plan
plan: setup ## show what the next sync would write, without writing; CONFIG=dir: what that configuration would change
	@$(BIN)/python -m localnode plan $(if $(CONFIG),--config $(CONFIG)); code=$$?; [ $$code -ne 1 ]

.PHONY: verify
verify: setup ## read both sides again and check whether they agree; REPORT=file.md writes a report; fails if they do not
	@$(BIN)/python -m localnode verify $(if $(REPORT),--report $(REPORT))

.PHONY: test-studio
test-studio: setup ## all that people do in Studio, in a real browser (needs the system's chromium)
	@$(BIN)/python -m pytest -n 0 -m "slow or not slow" -k "not every_page" --timeout 600 tests/studio/test_studio_browser.py

.PHONY: picture
picture: setup ## take the README's picture of Studio again (needs the system's chromium)
	@STUDIO_BROWSER=required $(BIN)/python -m pytest -q -n 0 -m "slow or not slow" tests/studio/test_studio_picture.py
	@cp build/studio/readme.png docs/images/studio.png

.PHONY: lock
lock: setup ## pin the requirements again
	@for name in requirements requirements-dev requirements-pgp requirements-audit connectors/requirements; do \
	  $(BIN)/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --output-file $$name.lock $$name.in; done

.PHONY: audit
audit: setup ## check every pinned package against the vulnerability database, or else how old the pins are (3: neither can be checked here)
	@.ci/audit

.PHONY: sbom
sbom: setup ## write the bill of materials of the images and the node (CycloneDX, build/sbom; 3: the tool is not available here)
	@.ci/sbom

.PHONY: deploy-check
deploy-check: setup ## check what must change before you deploy to a node of your own (NODE=https://… JWT=… asks that node, too)
	@$(BIN)/python -m stack deploy-check $(if $(NODE),--node $(NODE)) $(if $(JWT),--jwt $(JWT)) $(if $(WEBHOOKS),--webhooks $(WEBHOOKS))

.PHONY: clean
clean: ## remove what runs leave behind (not .venv)
	@$(PYTHON) -m stack.data_folder .data
	@rm -rf .data build .pytest_cache .mypy_cache .ruff_cache .hypothesis

.PHONY: docs
docs: setup ## generate the pages: DTL functions, dataflow documents, reference
	@$(BIN)/python -m localnode.dtl.reference > docs/dtl.md
	@$(BIN)/python -m stack.dataflow
	@$(BIN)/python docs/generate.py

.PHONY: html
html: setup ## build the documentation as HTML, in build/html
	@$(BIN)/sphinx-build -W --keep-going -q -b html docs build/html
	@echo "build/html/index.html"
