"""The theme's colours can be read: WCAG 2.1 contrast of words (4.5) and of charts (3), light and dark."""

import re

import pytest

from trainer.convert import default_theme

WORDS = ("ink", "muted", "link", "heading", "note", "tip", "important", "warning", "caution")
CODE = ("kw", "str", "num", "com", "fn")
PARTS = dict(zip(("light", "dark"), default_theme().screen.split("(prefers-color-scheme: dark)"), strict=True))


@pytest.mark.parametrize("scheme", PARTS)
def test_words_and_charts_stand_out_from_what_they_stand_on(scheme):
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", PARTS[scheme].partition("*, *::before")[0]))
    grounds = [colours[name] for name in ("paper", "tint", "code")]
    weak = {name for name in (*WORDS, *CODE) if min(contrast(colours[name], ground) for ground in grounds) < 4.5}
    pale = {name for name in colours if re.fullmatch(r"c\d", name) and contrast(colours[name], colours["paper"]) < 3}

    assert weak | pale == set()


def contrast(one: str, other: str) -> float:
    dark, light = sorted(map(luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    shares = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (share / 12.92 if share <= 0.03928 else ((share + 0.055) / 1.055) ** 2.4 for share in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
