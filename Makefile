# Every target is one command. `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: shell help install run up down status logs backup restore docker-up docker-down docker-logs ps restart build models compressor-model provider-key gpu-up pins test-stack demo doctor test test-unit lint types imports check chaos soak hostile bench-memory bench-gateway bench-consolidation lock clean test-athena test-compressor bench-compression
BIN := .venv/bin
# Where the stack runs in containers; docker/README.md says more.
COMPOSE := cd docker && docker compose

help: ## Show this list
	@awk -F ':.*## ' '/^##@ / { print substr($$0, 5) } /^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' Makefile

install: .venv/.installed ## Create .venv and install what is locked

##@ Here, without Docker
run: .venv/.installed ## Start everything here; Ctrl-C stops it all
	@$(BIN)/athena run

up: .venv/.installed ## Start everything here in the background (in containers: docker-up)
	@$(BIN)/athena up

down: .venv/.installed ## Stop everything here (in containers: docker-down)
	@$(BIN)/athena down

status: .venv/.installed ## Show each part and what to do about it (in containers: ps)
	@$(BIN)/athena status

logs: .venv/.installed ## Show the end of every log, ARGS="api -f" follows one (in containers: docker-logs)
	@$(BIN)/athena logs $(ARGS)

##@ In containers: docker/README.md
docker-up: ## Start everything in containers
	@$(COMPOSE) up -d

docker-down: ## Stop the containers; what they know stays
	@$(COMPOSE) down

docker-logs: ## Show the containers' logs (ARGS="-f athena" follows one)
	@$(COMPOSE) logs --tail 50 $(ARGS)

ps: .venv/.installed ## Show each container: state, memory, restarts, last error
	@$(BIN)/athena stack status

restart: ## Restart the containers (ARGS="athena" names one)
	@$(COMPOSE) restart $(ARGS)

build: ## Build the images of Athena and the compressor
	@$(COMPOSE) build athena compressor

models: ## Download the default models for the containers (ARGS="NAME" names others)
	@$(COMPOSE) run --rm models $(ARGS)

compressor-model: ## Download and prepare LLMLingua-2 for the containers
	@$(COMPOSE) run --rm models llmlingua-2-mbert
	@$(COMPOSE) run --rm export mbert

provider-key: ## Give the containers a provider's key, from standard input (NAME=ANTHROPIC_API_KEY)
	@$(COMPOSE) run --rm -T key $(or $(NAME),$(error name its variable: make provider-key NAME=ANTHROPIC_API_KEY))
	@$(COMPOSE) restart athena

gpu-up: ## Start everything in containers, the models on NVIDIA cards
	@$(COMPOSE) -f docker-compose.yml -f compose.gpu.yml up -d

pins: ## Ask the registries what compose.pinned.yml has to name
	@docker/pins.sh

##@ Either of them
backup: .venv/.installed ## Write the memory into one file, while it runs (TO=path)
	@$(BIN)/athena backup $(or $(TO),athena-$(shell date +%Y%m%d-%H%M%S).backup)

restore: .venv/.installed ## Bring a back-up's memory back (FROM=path)
	@$(BIN)/athena restore $(or $(FROM),$(error name the file: make restore FROM=path))

doctor: .venv/.installed ## Find what is wrong, here and in containers, and how to mend it
	@$(BIN)/athena doctor

demo: .venv/.installed ## Show what Athena does, on text that comes with it
	@$(BIN)/athena demo

##@ To change things: CONTRIBUTING.md
test: test-compressor test-athena ## Run all tests

test-athena: .venv/.installed-dev ## Run Athena's tests (ARGS="-k recall" chooses)
	@$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

test-compressor: build/compressor-venv/.installed ## Run the compressor service's tests
	@build/compressor-venv/bin/python -m pytest -c services/compressor/pyproject.toml tests/compressor $(ARGS)

test-stack: .venv/.installed-dev build/compressor-venv/.installed ## Test the containers on a real engine (ARGS="-k chaos" chooses)
	@tests/stack/run.sh $(ARGS)

test-unit: .venv/.installed-dev ## Run the tests that start nothing
	@$(BIN)/python -m pytest tests/unit $(ARGS)

lint: .venv/.installed-dev ## Check style
	@$(BIN)/ruff check && $(BIN)/ruff format --check

types: .venv/.installed-dev build/compressor-venv/.installed ## Check types
	@$(BIN)/mypy && build/compressor-venv/bin/python -m mypy --config-file services/compressor/pyproject.toml services/compressor/compressor

imports: .venv/.installed-dev ## Check that dependencies point one way
	@$(BIN)/lint-imports

shell: .venv/.installed-dev ## Check the shell scripts
	@$(BIN)/shellcheck scripts/*.sh services/*/*.sh docker/*.sh tests/stack/*.sh tests/stack/standins/*.sh .ci/run

check: lint types imports shell test ## All of these

chaos: .venv/.installed-dev ## Kill each process fifty times under load, and look for what was lost
	@ATHENA_CHAOS_KILLS=$${ATHENA_CHAOS_KILLS:-50} $(BIN)/python -m pytest -s tests/integration/test_crash.py $(ARGS)

hostile: .venv/.installed-dev ## Consolidate a thousand times with a model that means harm, and look for what it did
	@ATHENA_HOSTILE_RUNS=$${ATHENA_HOSTILE_RUNS:-1000} $(BIN)/python -m pytest -s --timeout 3600 tests/integration/test_consolidation_hostile.py $(ARGS)

soak: .venv/.installed-dev ## Stream 20,000 answers with faults and clients that leave, and look for what is left over
	@ATHENA_SOAK_REQUESTS=$${ATHENA_SOAK_REQUESTS:-20000} $(BIN)/python -m pytest -s --timeout 3600 tests/clients/test_gateway_soak.py $(ARGS)

bench-gateway: .venv/.installed-dev ## Measure the gateway against its bars, LiteLLM and Portkey (needs node)
	@$(BIN)/python -m tests.bench.gateway $(ARGS)

bench-memory: .venv/.installed-dev ## Measure the memory against its bars and a peer (ARGS="--help" says more)
	@$(BIN)/python -m tests.bench.memory $(ARGS)

bench-consolidation: .venv/.installed-dev ## Measure consolidation against its bars (LOCOMO=path adds a part)
	@$(BIN)/python -m tests.bench.consolidate $(ARGS)

bench-compression: .venv/.installed-dev build/compressor-venv/.installed ## Measure compression against its bars (LOCOMO=path adds the evidence part)
	@status=0; \
	$(BIN)/python -m tests.bench.compression $(if $(LOCOMO),--locomo $(LOCOMO) --embeddings) $(ARGS) || status=1; \
	build/compressor-venv/bin/python -m tests.bench.compressor_runner || status=1; \
	exit $$status

lock: ## Resolve the dependencies anew into the lock files
	@scripts/lock.sh

clean: ## Remove the environment and caches; memories and models stay
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build/bench

build/compressor-venv/.installed: services/compressor/requirements.lock services/compressor/pyproject.toml services/compressor/install.sh
	@services/compressor/install.sh && touch $@

.venv/.installed: requirements.lock services/athena/pyproject.toml scripts/install.sh
	@scripts/install.sh && touch $@

.venv/.installed-dev: requirements-dev.lock .venv/.installed
	@scripts/install.sh dev && touch $@
