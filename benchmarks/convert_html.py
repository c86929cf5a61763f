"""Markdown to HTML against markdown-it-py, bare and with our plugins, mistune and pandoc, CPU as ratios.

The bound: at most 1.3 of bare markdown-it-py at 100 kB, with anchors, captions, marked figures and the page around it.
Bare is CommonMark with tables and strikethrough; what else we read (links, notes, definitions, formulas, tasks, alerts)
is in `plugins`, which leaves out no rule for a text that needs none.
"""

from __future__ import annotations

import importlib
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable

from markdown_it import MarkdownIt

from trainer.convert import write

SECTION = """## Section {number}

Revenue of **Acme** was $1.{number}bn in 2024, {number} % above the year before, and `margins` held; see [the filing]
(https://www.gnu.org/{number}). *Growth* came from two products, and costs rose less than sales in every quarter.

- first point of section {number}, with a sentence that is long enough to be wrapped in an editor
- second point, **important**
  - nested point

Table: Sales of section {number}

| Year | Sales | Change |
|---|---|---|
| 2022 | $1,2{number} | n/a |
| 2023 | $1,3{number} | +8 % |
| 2024 | $1,4{number} | +7 % |

> A remark that somebody made about section {number}.

"""


def main() -> None:
    """Print one line a size."""
    bare = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    engines: dict[str, Callable[[str], object]] = {
        "markdown-it-py": bare.render,
        "plugins": _with_plugins().render,
        "trainer": lambda text: write(text, "html"),
    }
    if mistune := _optional("mistune"):
        engines["mistune"] = mistune.create_markdown(plugins=["table", "strikethrough"])
    if shutil.which("pandoc"):
        engines["pandoc"] = _pandoc
    for size, rounds in ((5_000, 25), (100_000, 7), (5_000_000, 1)):
        text = document(size)
        cost = _costs(engines, text, rounds)
        base = cost["markdown-it-py"]
        said = ", ".join(f"{name} {cost[name] / base:.2f}" for name in engines)
        print(f"{len(text) / 1000:>7.0f} kB: {said} (CPU; markdown-it-py is 1)")
    for name in sorted({"mistune", "pandoc"} - set(engines)):
        print(f"SKIPPED: {name} is not installed, nothing was compared with it")


def _with_plugins() -> MarkdownIt:
    """markdown-it-py reading all that we read, by its own plugins."""
    from mdit_py_plugins.deflist import deflist_plugin
    from mdit_py_plugins.dollarmath import dollarmath_plugin
    from mdit_py_plugins.footnote import footnote_plugin
    from mdit_py_plugins.gfm_autolink import gfm_autolink_plugin

    parser = MarkdownIt("commonmark", {"html": False, "tasklists": True, "alerts": True})
    parser.enable(["table", "strikethrough"]).use(footnote_plugin).use(deflist_plugin).use(gfm_autolink_plugin)
    return parser.use(dollarmath_plugin, allow_space=False, allow_digits=False, double_inline=True)


def document(size: int) -> str:
    """A report of about `size` letters."""
    count = max(1, size // len(SECTION))
    return "# Report\n\n" + "".join(SECTION.format(number=number) for number in range(count))


def _costs(engines: dict[str, Callable[[str], object]], text: str, rounds: int) -> dict[str, float]:
    """The median CPU of each engine, the engines taking turns."""
    spent: dict[str, list[float]] = {name: [] for name in engines}
    for _ in range(rounds + 1):
        for name, engine in engines.items():
            before = time.process_time() + _children()
            engine(text)
            spent[name].append(time.process_time() + _children() - before)
    return {name: statistics.median(times[1:]) for name, times in spent.items()}


def _children() -> float:
    import resource

    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _pandoc(text: str) -> bytes:
    return subprocess.run(
        ["pandoc", "-f", "gfm", "-t", "html"], input=text.encode(), capture_output=True, check=True
    ).stdout


def _optional(name: str):
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        return None


if __name__ == "__main__":
    main()
