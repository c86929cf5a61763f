"""A provider from another package, installed into an environment of its own as a user would."""

from __future__ import annotations

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
