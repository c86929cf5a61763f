"""The same text and data give the same verdicts and words: whatever the clock, hash seed, locale and time zone."""

from __future__ import annotations

import itertools
import subprocess
import sys

from trainer.checks.text import Material, read_view
from trainer.core.values import DataBlock

PROGRAM = """
import datetime, sys

YEAR = int(sys.argv[1])

class Date(datetime.date):
    @classmethod
    def today(cls):
        return cls(YEAR, 3, 1)

class Moment(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(YEAR, 3, 1, tzinfo=tz)

datetime.date, datetime.datetime = Date, Moment
from trainer.checks import check_figures
from trainer.core.values import DataBlock

rows = [
    {"country": country, "sector": sector, "year": year, "output": output * (year - 2015), "staff_thousands": 40 + at}
    for at, (country, sector) in enumerate([("Germany", "steel"), ("Germany", "paper"), ("Spain", "steel"), ("Spain", "paper")])
    for year, output in zip(range(2018, 2025), (812, 799, 640, 701, 755, 802, 811))
]
text = (
    "# Output last year\\n\\nIn 2024 steel output in Germany was 7,299, up 13.7 % from 6,416 the year before, and 29,196 over all "
    "four lines. Spain had 7,299 in 2023, the most of all. A year earlier staff was 42,000.\\n\\n"
    "| | 2023 | 2024 | Change |\\n|---|---|---|---|\\n| Germany, steel | 6,416 | 7,299 | +13.8 % |\\n"
    "| Spain, paper | 6,416 | 7,229 | -2 % |\\n"
)
block = DataBlock("d", "d", 1, "file", None, {"rows": rows}, "x")
for figure in check_figures(text, data=(block,)).figures:
    print(figure)
"""  # noqa: E501


def test_verdicts_and_words_depend_on_no_clock_seed_locale_or_zone() -> None:
    years, seeds, locales = ("2016", "2036"), ("0", "1", "4242"), (("C.UTF-8", "UTC"), ("tr_TR.UTF-8", "Asia/Tokyo"))
    outputs = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM, year],
            env={"PYTHONHASHSEED": seed, "LC_ALL": locale, "LANG": locale, "TZ": zone, "PYTHONUTF8": "1"},
            capture_output=True,
            check=True,
        ).stdout
        for (year, seed), (locale, zone) in zip(itertools.product(years, seeds), itertools.cycle(locales), strict=False)
    }

    assert len(outputs) == 1
    assert outputs.pop().count(b"verdict=") > 10


def test_what_was_read_of_equal_data_in_another_order_has_no_part_in_it() -> None:
    orders = ({"revenue": 5.0, "costs": 3.0}, {"costs": 3.0, "revenue": 5.0})
    views = [read_view(Material((DataBlock("d", "d", 1, "file", None, data, "x"),))) for data in orders]

    assert [[observation.source.path for observation in view.facts.observations] for view in views] == [
        ["/revenue", "/costs"],
        ["/costs", "/revenue"],
    ]
