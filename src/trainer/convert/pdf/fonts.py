"""Fonts of PDFs: the theme's own, so that bytes are the same on every machine; installed ones for letters they lack.

What fontconfig would read of the machine (which fonts are there, which it prefers, how it slants or thickens them)
decides the bytes of a page; so it is given a configuration of ours instead.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from functools import lru_cache
from html import escape, unescape
from pathlib import Path

from fontTools.ttLib import TTFont
from weasyprint.pdf import fonts as pdf_fonts
from weasyprint.text.fonts import FontConfiguration

FONTS = Path(__file__).parent.parent / "theme" / "fonts"

_SLANTED = """
<match target="font">
  <test name="slant"><const>roman</const></test>
  <test target="pattern" name="slant" compare="not_eq"><const>roman</const></test>
  <edit name="matrix" mode="assign"><times><name>matrix</name>
    <matrix><double>1</double><double>0.2</double><double>0</double><double>1</double></matrix></times></edit>
  <edit name="slant" mode="assign"><const>oblique</const></edit>
</match>
"""
"""Italic code is the upright face, slanted, as fontconfig's own `90-synthetic.conf` does it."""
_INSTALLED = (
    "/usr/share/fonts", "/usr/local/share/fonts", "/usr/X11R6/lib/X11/fonts", "~/.fonts", "~/.local/share/fonts",
    "/System/Library/Fonts", "/Library/Fonts", "~/Library/Fonts", "/opt/homebrew/share/fonts", "WINDOWSFONTDIR",
)  # fmt: skip
_DEFAULT_IGNORABLE = re.compile("[\x00-\x20\x7f-\xa0\u00ad\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufe00-\ufe0f\ufeff]")
_TAG = re.compile(r"<[^<>]*>")


def pin_subsets() -> None:
    """Let every subset be made by the locked fontTools, at no time at all.

    WeasyPrint takes the machine's libharfbuzz-subset where there is one; fontTools writes the hour into a font.
    """
    os.environ["SOURCE_DATE_EPOCH"] = "0"
    pdf_fonts.Font.subset = lambda font, glyphs, hinting: font._fonttools_subset(glyphs, hinting) if glyphs else None


def own_fonts(folder: Path) -> FontConfiguration:
    """A configuration without any font of the machine; `folder` is for its file."""
    return _configured(folder / "own.conf", [])


def own_and_installed_fonts(folder: Path) -> FontConfiguration:
    """A configuration that also knows the machine's fonts, but none of its rules."""
    own = os.environ.get("FONTCONFIG_FILE", "")
    included = f'<include ignore_missing="yes">{escape(own)}</include>' if own else ""
    return _configured(folder / "installed.conf", [f"<dir>{name}</dir>" for name in _INSTALLED] + [included])


def _configured(path: Path, parts: Iterable[str]) -> FontConfiguration:
    path.write_text(
        '<?xml version="1.0"?>\n<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">\n<fontconfig>\n'
        f'{"".join(parts)}\n{_SLANTED}<cachedir prefix="xdg">fontconfig</cachedir>\n</fontconfig>\n'
    )
    before = os.environ.get("FONTCONFIG_FILE")
    os.environ["FONTCONFIG_FILE"] = str(path)
    try:
        return FontConfiguration()
    finally:
        if before is None:
            del os.environ["FONTCONFIG_FILE"]
        else:
            os.environ["FONTCONFIG_FILE"] = before


def letters_lacking(html: str) -> str:
    """The letters of a page that no font of the theme has, each once, sorted."""
    if html.isascii():
        return ""
    letters = set(unescape(_TAG.sub(" ", html)))
    return "".join(
        sorted(letter for letter in letters if ord(letter) not in _covered() and not _DEFAULT_IGNORABLE.match(letter))
    )


@lru_cache(maxsize=1)
def _covered() -> frozenset[int]:
    """The letters that the upright faces of the theme have."""
    covered: set[int] = set()
    for path in FONTS.glob("*.ttf"):
        with TTFont(path, lazy=True) as font:
            covered.update(font.getBestCmap())
    return frozenset(covered)
