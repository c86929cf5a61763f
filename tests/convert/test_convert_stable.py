"""The same document gives the same bytes: in every process, hash seed, time zone, locale and folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from corpus.convert.structure import put_pictures

DOCUMENT = """---
title: Acme
date: 2025-02-14
author: Ann
---
## One

Words **strong** `code` and a note.[^1] Emoji ✓ and 収益.

Table: Sales

| Year | Sales |
|---|---|
| 2023 | 12 |
| 2024 | 15 |

```chart
type: line
title: Sales
rows: [["2023-12-31", 12.5], ["2024-12-31", 15.25]]
columns: [date, sales]
unit: USD
```

```python
print({1, 2})
```

![A field](p.png "A caption")

![A drawing](d.svg "Another")

## Two

- a
- b

### Wide

Table: By year

WIDE

[^1]: Note.
"""
WIDE = "".join(f"| {' | '.join([cell] * 30)} |\n" for cell in ("Year", "---", "1,234,567"))
SCRIPT = """
import hashlib, sys
from pathlib import Path
from trainer.convert import PdfPool, default_theme, theme_digest, to_docx, to_html, to_latex, to_pdf
here = Path()
text = Path("a.md").read_text("utf-8")
with PdfPool() as pool:
    paper = to_pdf(text, pool=pool, assets=here).content
html, docx, latex = (make(text, assets=here).content for make in (to_html, to_docx, to_latex))
made = [html.encode(), docx, latex.encode(), paper]
print(*(hashlib.sha256(content).hexdigest() for content in made), theme_digest(default_theme()))
"""


def digests(folder: Path, source: Path, **environ: str) -> str:
    folder.mkdir(exist_ok=True)
    (folder / "a.md").write_text(DOCUMENT.replace("WIDE", WIDE), "utf-8")
    put_pictures(folder)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LC_", "LANG", "TZ"))}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=folder,
        env={**clean, "PYTHONPATH": str(source), "PYTHONUTF8": "1", **environ},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_html_docx_latex_pdf_and_the_theme_s_digest_are_stable(tmp_path):
    here = Path(__file__).parents[2] / "src"
    other = tmp_path / "another checkout" / "src"
    shutil.copytree(here / "trainer", other / "trainer", ignore=shutil.ignore_patterns("__pycache__"))
    first = digests(tmp_path / "a", here, PYTHONHASHSEED="1", TZ="UTC")
    changed = {"PYTHONHASHSEED": "77", "TZ": "Pacific/Kiritimati", "LC_ALL": "C.UTF-8", "LANG": "de_DE.UTF-8"}
    second = digests(tmp_path / "b", other, **changed)

    assert len(first.split()) == 5
    assert first == second
