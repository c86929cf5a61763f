"""The same document gives the same bytes: in every process, hash seed, time zone, locale and folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from corpus.convert.structure import put_pictures
from trainer.convert import Former, Options, load_theme, write
from trainer.core.values import Finding

DOCUMENT = """---
title: Acme
date: 2025-02-14
author: Ann
---
## One

Words **strong** `code` and a note.[^1] Signs ✓ ⚠ → ½, Έσοδα, выручка, إيرادات.

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
from trainer.convert import Options, PdfPool, default_theme, theme_digest, write
here = Path()
text = Path("a.md").read_text("utf-8")
with PdfPool() as pool:
    options = Options(pool=pool, assets=here)
    html, docx, latex, paper = (write(text, target, options).content for target in ("html", "docx", "latex", "pdf"))
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


def test_bytes_depend_on_no_installed_font_no_hour_no_language_and_no_folder(tmp_path):
    here = Path(__file__).parents[2] / "src"
    other = tmp_path / "another checkout" / "src"
    shutil.copytree(here / "trainer", other / "trainer")  # with bytecode, which compiling again takes 6 s
    first = digests(tmp_path / "a", here, PYTHONHASHSEED="1", TZ="UTC")
    (tmp_path / "no-fonts.conf").write_text("<fontconfig></fontconfig>")
    changed = {
        "PYTHONHASHSEED": "77",
        "TZ": "Pacific/Kiritimati",
        "LC_ALL": "C.UTF-8",
        "LANG": "de_DE.UTF-8",
        "FONTCONFIG_FILE": str(tmp_path / "no-fonts.conf"),
        "SOURCE_DATE_EPOCH": "1700000000",
    }
    second = digests(tmp_path / "b", other, **changed)

    assert len(first.split()) == 5
    assert first == second


def test_a_pdf_is_printed_again_only_where_page_style_or_data_changed(pool):
    text = "# T\n\nWords.\n"
    first = write(text, "pdf", Options(pool=pool))
    clipped = Finding("clipped", "warning", "cut off", text="Words")
    former = Former(first.made_from, b"as it was", (clipped, Finding("missing_section", "error", "of the checks")))

    same = write(text, "pdf", Options(pool=pool, former=former, assets=Path()))
    others = [
        write("# T\n\nOther words.\n", "pdf", Options(pool=pool, former=former)),
        write(text, "pdf", Options(pool=pool, former=former, theme=load_theme(page_size="letter"))),
        write(text, "pdf", Options(pool=pool, former=former, meta={"author": "Ann"})),
    ]

    assert (same.content, same.made_from, same.findings) == (b"as it was", first.made_from, (clipped,))
    assert all(other.content.startswith(b"%PDF") for other in others)
    assert len({first.made_from, *(other.made_from for other in others)}) == 4
