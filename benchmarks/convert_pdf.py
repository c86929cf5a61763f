"""A batch of 100 PDFs in warm workers against bare WeasyPrint in one warm process; a cold PDF by import and work.

The bound: at most 1.1 of bare WeasyPrint's CPU. Both print the same pages with the same styles.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.convert_html import document
from trainer.convert import Options, PdfPool, default_theme, parse_markdown, write
from trainer.convert.furnish import furnish
from trainer.convert.writers.html import render_body, render_page
from trainer.convert.writers.pdf import paper_styles

BARE = """
import sys, time
from pathlib import Path
start = time.process_time()
from weasyprint import CSS, HTML
loaded = time.process_time()
folder = Path(sys.argv[1])
styles = [CSS(string=path.read_text()) for path in sorted(folder.glob("*.css"))]
for path in sorted(folder.glob("*.html")):
    HTML(string=path.read_text()).write_pdf(stylesheets=styles, pdf_variant="pdf/ua-1")
print(loaded - start, time.process_time() - loaded)
"""


def main(count: int = 100) -> None:
    """Print the ratio of a batch of `count` PDFs and the split of a cold one."""
    texts = [document(1_000).replace("Acme", f"Firm {number}") for number in range(count)]
    started = time.process_time() + _children()
    with PdfPool() as pool:
        for text in texts:
            write(text, "pdf", Options(pool=pool))
    ours = time.process_time() + _children() - started
    with tempfile.TemporaryDirectory() as folder:
        _pages(Path(folder), texts)
        loading, printing = _bare(folder)
        _pages(Path(folder), texts[:1])
    ratio = ours / (loading + printing)
    print(f"{count} PDFs: {ratio:.2f} of bare WeasyPrint's CPU, Markdown and layout checks included")
    one = printing / count
    print(f"a cold PDF: {loading / (loading + one):.0%} import, {one / (loading + one):.0%} work")


def _pages(folder: Path, texts: list[str]) -> None:
    theme = default_theme()
    for number, style in enumerate(paper_styles(theme)):
        (folder / f"{number}.css").write_text(style.replace("theme-font:", (Path(_fonts()) / "").as_uri() + "/"))
    for number, text in enumerate(texts):
        furnished = furnish(parse_markdown(text), data={})
        body, _ = render_body(furnished, Options())
        page = render_page(furnished, body, Options(theme=theme), medium="paper")
        (folder / f"{number:03}.html").write_text(page)


def _fonts() -> Path:
    from trainer.convert.themes import BUILT_IN

    return BUILT_IN / "fonts"


def _bare(folder: str) -> tuple[float, float]:
    done = subprocess.run([sys.executable, "-c", BARE, folder], capture_output=True, text=True, check=True)
    loading, printing = map(float, done.stdout.split())
    return loading, printing


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
