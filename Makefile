# Works on a bare machine with Python 3.11+, make and a package index; uses uv where there is one.
# 只需要 Python 3.11 以上、make 和一个包索引；有 uv 时用 uv。

SHELL  := /bin/sh
PYTHON ?= python3
UV     ?= $(shell command -v uv 2>/dev/null)
VENV   ?= .venv
BIN    := $(VENV)/bin

# Empty when $(VENV) is whole. A moved checkout or a removed Python leaves it broken: made anew.
BROKEN := $(shell $(BIN)/python -c '' 2>/dev/null || echo broken)

.DEFAULT_GOAL := help
.PHONY: help demo serve test test-postgresql reliability coverage lint format types bench bench-smoke screenshots bundle ci lock clean FORCE

help: ## what can be done here · 这里能做什么
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# The environment --------------------------------------------------------------

# A stamp, because bin/python is a link to something much older.
$(VENV)/.made: $(if $(BROKEN),FORCE)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "需要 Python 3.11 或更高版本，请安装，或指明：make PYTHON=/path/to/python3.11 ..."; \
	  echo "Python 3.11 or newer is needed: install it, or say where it is (PYTHON=...)."; \
	  exit 1; }
	@rm -rf $(VENV)
ifneq ($(UV),)
	@$(UV) venv --quiet --python "$$(command -v $(PYTHON))" $(VENV)
else
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "此 Python 缺少 venv/ensurepip。Debian/Ubuntu：apt install python3-venv；或安装 uv。"; \
	  echo "This Python lacks venv/ensurepip. Debian/Ubuntu: apt install python3-venv; or install uv."; \
	  exit 1; }
	@$(PYTHON) -m venv $(VENV)
endif
	@touch $@

# $(call install,LOCK): every file compared with the hash in the lock, then this checkout itself.
ifneq ($(UV),)
install = $(UV) pip install --quiet --python $(BIN)/python --require-hashes -r $(1) && \
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
else
install = $(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r $(1) && \
	$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
endif

SELF := pyproject.toml api/launcher.py

$(VENV)/.run: $(VENV)/.made requirements.lock $(SELF)
	@echo "正在安装运行环境…… Installing what it runs on..."
	@$(call install,requirements.lock)
	@touch $@

$(VENV)/.dev: $(VENV)/.made requirements-dev.lock $(SELF)
	@echo "正在安装开发环境…… Installing the development tools..."
	@$(call install,requirements-dev.lock)
	@touch $@ $(VENV)/.run

# What people come for ---------------------------------------------------------

demo: $(VENV)/.run ## the ledger with sample data, in the browser · 载入示例数据并打开
	@$(BIN)/gongwu demo $(ARGS)

serve: $(VENV)/.run ## your own ledger · 运行自己的账本
	@$(BIN)/gongwu serve $(ARGS)

test: $(VENV)/.dev ## every test, on SQLite and on PostgreSQL · 全部测试
	@$(BIN)/pytest -n auto --dist worksteal --targets -rs $(ARGS)

test-postgresql: $(VENV)/.dev ## what make test runs on SQLite alone to save time, on PostgreSQL · 其余在 PostgreSQL 上测试
	@$(BIN)/pytest -n auto --dist worksteal --either postgresql -m "either_backend and postgresql" -rs $(ARGS)

reliability: $(VENV)/.dev ## the tests of docs/reliability.md at their large sizes · 发布前的可靠性测试
	@GONGWU_SIZES=$${GONGWU_SIZES:-release} $(BIN)/pytest -n auto --dist worksteal -m reliability -rs $(ARGS)
	@GONGWU_SIZES=$${GONGWU_SIZES:-release} $(BIN)/pytest -rP -k "practice or stack" tests/test_labels_print.py

# The modules that a proof rests on, and the tests that take every branch of them. What only goes
# over the same ground again, or asks other modules, is left out: a minute for each change.
PROVEN := $(addprefix ledger/,tree.py notes.py proofs.py tiles.py trust.py keys.py witnessing.py \
	auditing.py notary.py mirror.py bundling.py verify_bundle.py verifying.py restoring.py \
	replaying.py findings.py attachments.py vault.py stamping.py national.py)
PROVING := $(patsubst %,tests/test_%.py,tree notes notary proofs verifying bundle restoring \
	replaying vault filing auditing_notes audit_duties findings proving bundle_doors tampering recovery \
	attesting scans_kept stamping national)
AGAIN := whatever_comes or bit_that_flips or flipped_bit or nine_attacks or raise_no_alarm or \
	on_the_network or stocktake_sheet or demonstration or sqlite-3
comma := ,
empty :=
COVERED ?= 100
MEASURED = --branch --include="$(subst $(empty) ,$(comma),$(strip $(PROVEN)))"

coverage: $(VENV)/.dev ## every branch of what proofs rest on is tested · 证明代码的分支覆盖
	@$(BIN)/python -m coverage run $(MEASURED) -m pytest -q --backend sqlite $(PROVING) \
	  -k "not ($(AGAIN))"
	@$(BIN)/python -m coverage run -a $(MEASURED) -m pytest -q tests/test_restoring.py \
	  -k "comes_back_the_same and postgresql"
	@$(BIN)/python -m coverage report --show-missing --fail-under=$(COVERED)

lint: $(VENV)/.dev ## layout, mistakes, who imports whom · 代码检查
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports

format: $(VENV)/.dev ## write the layout that lint asks for · 自动排版
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: $(VENV)/.dev ## mypy --strict inside, pyright everywhere · 类型检查
	@$(BIN)/mypy
	@$(BIN)/pyright --pythonpath $(BIN)/python

bench: $(VENV)/.dev ## every figure beside its floor · 性能测量
	@$(BIN)/python -m benchmarks $(ARGS)

bench-smoke: $(VENV)/.dev ## the same, small: proves that it runs · 小规模性能测量
	@$(BIN)/python -m benchmarks --smoke $(ARGS)

screenshots: $(VENV)/.dev ## the pictures of both readmes, from the demonstration · 重拍说明书的图
	@$(BIN)/python tests/screenshots.py $(ARGS)

bundle: $(VENV)/.dev ## everything in one archive, installed without the internet · 离线安装包
	@bash deploy/bundle $(BIN)/python $(or $(OUT),dist)

ci: ## exactly what continuous integration runs · 持续集成
	@bash .ci/run

# Upkeep -----------------------------------------------------------------------

COMPILE = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-emit-index-url --upgrade pyproject.toml

lock: ## choose newest allowed versions and write both locks (needs uv) · 更新依赖锁
	@$(COMPILE) --group install --output-file requirements.lock
	@$(COMPILE) --group dev --constraint requirements.lock --output-file requirements-dev.lock

clean: ## forget the environment and all caches; data stays · 清理环境与缓存
	@rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache \
	  .hypothesis
	@find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
