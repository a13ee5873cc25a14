# Each target does all its own set-up in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help setup demo test test-slow check docs bench clean

help:  ## say what can be done
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: $(VENV)/.installed  ## make .venv with repost and everything it can use

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[all,dev]"
	@touch $@

demo: setup  ## share real photographs on five networks; writes demo/index.html
	$(BIN)/repost demo --out demo

test: setup  ## run the tests (a few minutes)
	$(BIN)/python -m pytest

test-slow: setup  ## run the slow tests: kill -9, hostile thousands
	$(BIN)/python -m pytest -m slow

check: setup  ## lint, types, and imports that run downwards only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

docs: setup  ## write the generated pages: profile schema and the table of platforms
	$(BIN)/python docs/generate.py

bench: setup  ## measure everything (several hours)
	$(BIN)/python benchmarks/fidelity.py
	$(BIN)/python benchmarks/real_pairs.py
	$(BIN)/python benchmarks/roundtrip.py
	$(BIN)/python benchmarks/blind.py
	$(BIN)/python benchmarks/identify.py
	$(BIN)/python benchmarks/identify_videos.py
	$(BIN)/python benchmarks/recovery.py
	$(BIN)/python benchmarks/figure1b.py
	$(BIN)/python benchmarks/approximations.py
	$(BIN)/python benchmarks/throughput.py
	$(BIN)/python benchmarks/video_search.py --clips ../shared/data/videos
	$(BIN)/python benchmarks/video_fidelity.py ../shared/data/videos
	$(BIN)/python benchmarks/video_throughput.py ../shared/data/videos/sam2/demo_data_gallery_02_cups.mp4
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/surrogate.py
	$(BIN)/python benchmarks/gradients.py --prepare build/faces.npz
	$(BIN)/python benchmarks/gradients.py --faces build/faces.npz
	$(BIN)/python benchmarks/video_gradients.py
	$(BIN)/python benchmarks/comgan.py ../shared/data/photos
	$(BIN)/python benchmarks/stamp.py ../shared/data --out build/stamp/bench
	$(BIN)/python benchmarks/stamp_averaging.py ../shared/data
	$(BIN)/python benchmarks/faces.py ../shared/data/videos
	$(BIN)/python benchmarks/detectors.py --shared ../shared/data
	$(BIN)/python benchmarks/stamp_video.py ../shared/data/videos

clean:  ## remove what was made here
	rm -rf $(VENV) demo .pytest_cache .ruff_cache .hypothesis
