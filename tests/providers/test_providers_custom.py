"""A provider from another package, installed into an environment of its own as a user would."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from trainer.core.errors import ProviderError, UsageError
from trainer.providers import CustomProvider, create_provider

ROOT = Path(__file__).parent.parent.parent
USE = """
from servers.clients import complete
from trainer.providers import create_provider, PROVIDERS
provider = create_provider("echo", model="last-line", times=2)
result = complete("First.\\nSay this.", chain=[provider])
print("echo" in PROVIDERS.names(), result.content.split("\\n"), result.provider, result.tokens_in, result.cost)
print("".join(provider.stream("Say this.")).split("\\n"), provider.list_models())
"""


def installed(folder: Path) -> None:
    """Install the example package into `folder` with the build backend that is at hand; nothing is fetched."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    made = subprocess.run(
        [*command, "--target", str(folder), str(ROOT / "examples/custom-provider")],
        check=False,
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stderr


def test_an_installed_package_adds_a_provider(tmp_path):
    installed(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", USE],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": f"{tmp_path}:{ROOT / 'tests'}"},
    )

    assert done.stdout.splitlines() == [
        "True ['Say this.', 'Say this.'] echo 3 0.0",
        "['Say this.', 'Say this.'] ['last-line']",
    ]


def test_a_provider_that_is_not_installed_is_unknown_and_the_nearest_is_named():
    with pytest.raises(UsageError, match='unknown provider "opena"') as caught:
        create_provider("opena", model="m")

    assert caught.value.hint == 'did you mean "openai"?'


def test_what_a_custom_provider_leaves_out_has_a_default():
    class Shout(CustomProvider):
        provider = "shout"
        model = "m"

        def complete(self, prompt, **kwargs):
            return self.result(prompt.upper(), tokens_in=1, tokens_out=1)

    shout = Shout()
    stream = shout.stream("ho")

    assert (list(stream), stream.result.cost) == (["HO"], None)
    assert (shout.get_cost(5), shout.list_models()) == (None, ["m"])
    with pytest.raises(ProviderError, match="shout cannot deploy x"):
        shout.deploy_model("x")


@pytest.fixture(scope="module")
def package(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("package")
    installed(folder)
    return folder


def project_of(folder: Path, settings: str) -> Path:
    (folder / "information/instructions").mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(settings)
    return folder


PRICED = "llm_provider: {provider: echo, model: m, max_tokens: 10, prices: {m: {input: 1000, output: 2000}}%s}\n"


def test_a_provider_of_another_package_is_priced_limited_budgeted_and_recorded_like_ours(package, tmp_path, run):
    env = {"PYTHONPATH": str(package), "XDG_RUNTIME_DIR": str(tmp_path / "runtime")}
    folder = project_of(tmp_path / "project", PRICED % ", requests_per_minute: 600")
    done = run(folder, "run", "-", "--json", "--record", "tape.jsonl", stdin="Say two words", env=env)
    replayed = run(folder, "run", "-", "--json", "--replay", "tape.jsonl", stdin="Say two words", env=env)
    dry = run(folder, "run", "-", "--dry-run", "--json", stdin="Say two words", env=env)
    refused = run(folder, "run", "-", "--max-cost", "0.001", "--no-cache", stdin="Say two words", env=env)

    told = json.loads(done.stdout)
    assert (told["provider"], told["tokens_in"], told["tokens_out"]) == ("echo", 3, 3)
    assert told["cost"] == pytest.approx(3 * 0.001 + 3 * 0.002)
    assert json.loads(replayed.stdout)["content"] == told["content"]
    assert json.loads(dry.stdout)["cost_at_most"] > json.loads(dry.stdout)["cost"] > 0
    assert refused.returncode == 5
    assert "the budget of this run would be exceeded" in refused.stderr
    assert len(list((tmp_path / "runtime").rglob("*.json"))) == 1


def test_a_provider_that_says_its_own_price_is_held_to_a_budget(tmp_path, run):
    package = tmp_path / "package"
    (package / "own-1.0.dist-info").mkdir(parents=True)
    (package / "own-1.0.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: own\nVersion: 1.0\n")
    (package / "own-1.0.dist-info/entry_points.txt").write_text("[trainer.providers]\nown = own:Own\n")
    (package / "own.py").write_text(
        "from trainer.providers import CustomProvider\n"
        "class Own(CustomProvider):\n"
        "    provider = 'own'\n"
        "    def __init__(self, *, model):\n"
        "        self.model = model\n"
        "    def complete(self, prompt, **kwargs):\n"
        "        return self.result('fine', tokens_in=5, tokens_out=5, cost=0.01)\n"
        "    def get_cost(self, tokens):\n"
        "        return 0.001 * tokens\n"
    )
    folder = project_of(tmp_path / "project", "llm_provider: {provider: own, model: m}\n")
    env = {"PYTHONPATH": str(package)}
    done = run(folder, "run", "-", "--max-cost", "1", stdin="x", env=env)
    refused = run(folder, "run", "-", "--max-cost", "0.001", "--no-cache", stdin="x", env=env)

    assert (done.returncode, done.stdout) == (0, "fine\n")
    assert refused.returncode == 5
