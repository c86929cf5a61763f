"""A cached completion in a process of its own beside `import litellm`, in CPU seconds: best of so many rounds.

python -m benchmarks.providers_cached [rounds]
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from trainer.core.values import CompletionResult
from trainer.providers import CompletionCache, Request

ADDRESS = "http://localhost:1/v1"
CACHED = """
import sys
from pathlib import Path
from trainer.providers import Client, CompletionCache, Request, complete, create_provider
link = create_provider("openai_compatible", model="m", api_base=sys.argv[2])
assert complete(Request("hello"), Client([link], cache=CompletionCache(Path(sys.argv[1])))).origin == "cached"
"""


def main(rounds: int = 5) -> None:
    """Print the CPU seconds of both, and their ratio."""
    environ = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_MODE": "PRODUCTION"}
    with tempfile.TemporaryDirectory() as folder:
        result = CompletionResult("hello", 2, "m", "openai_compatible", 0.0, tokens_in=1, tokens_out=1)
        CompletionCache(Path(folder)).put(Request("hello", "openai_compatible", "m").key, result)
        pairs = [
            (cpu(["-c", CACHED, folder, ADDRESS], environ), cpu(["-c", "import litellm"], environ))
            for _ in range(rounds)
        ]
    cached, imported = (min(pair[side] for pair in pairs) for side in (0, 1))
    print(f"cached completion {cached:.3f} s, import litellm {imported:.3f} s of CPU: ratio {cached / imported:.3f}")


def cpu(arguments: list[str], environ: dict[str, str]) -> float:
    """CPU seconds of a Python process with these arguments."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], env=environ, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
