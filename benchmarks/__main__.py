"""Run every benchmark, or those whose names hold a given word: `python -m benchmarks [WORD ...]`.

A figure is a ratio within one run on one machine: absolute times differ from machine to machine.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def main(words: list[str]) -> int:
    """Run each benchmark in a process of its own; the number of those that failed."""
    failed = 0
    for path in sorted(Path(__file__).parent.glob("[!_]*.py")):
        if words and not any(word in path.stem for word in words):
            continue
        print(f"\n== {path.stem}", flush=True)
        done = subprocess.run([sys.executable, "-m", f"benchmarks.{path.stem}"], check=False)
        failed += done.returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
