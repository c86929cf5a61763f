"""Rules, scores, anomalies and duplicates of any rows."""

import random
from datetime import UTC, datetime

import pytest

from trainer.core.errors import UsageError
from trainer.quality import PACKS, DataQualityEngine, detect_anomalies, find_duplicates, read_pack, read_rules

NOW = datetime(2024, 6, 1, tzinfo=UTC)


def clock():
    return NOW


def failing(rule: str, rows, **options) -> list[tuple[str, tuple[int, ...]]]:
    rules = read_rules(f"rules:\n  - {rule}\n", shown="rules.yaml")
    result = DataQualityEngine(rules, clock=clock, **options).assess_quality(rows)
    return [(one.column, one.rows) for one in result.validation_results]


@pytest.mark.parametrize(
    ("rule", "cells", "rows"),
    [
        ("{id: r, columns: [x], check: required}", ["a", None, ""], (2, 3)),
        ("{id: r, columns: [x], check: type, type: number}", [1, "2.5", "b"], (3,)),
        ("{id: r, columns: [x], check: type, type: date}", ["2024-01-01", "2024-02-30"], (2,)),
        ("{id: r, columns: [x], check: range, min: 0, max: 10}", [5, -1, 11, "x"], (2, 3, 4)),
        ("{id: r, columns: [x], check: range, min: '2024-01-01'}", ["2024-01-02", "2023-12-31"], (2,)),
        ("{id: r, columns: [x], check: pattern, pattern: '[A-Z]{2}'}", ["AB", "ABC"], (2,)),
        ("{id: r, columns: [x], check: pattern, semantic: isin}", ["US0378331005", "US0378331006"], (2,)),
        ("{id: r, columns: [x], check: set, values: [a, b]}", ["A", "b", "c"], (3,)),
        ("{id: r, columns: [x], check: unique}", ["a", "b", "a"], (1, 3)),
        ("{id: r, columns: [x], check: freshness, max_age: 7d}", ["2024-05-01", "2024-05-02"], ()),
    ],
)
def test_each_check_tells_the_rows_that_fail(rule, cells, rows):
    assert failing(rule, [{"x": cell} for cell in cells]) == [("x", rows)]


def test_two_columns_are_compared_as_days_or_numbers():
    rows = [{"start": "2024-01-01", "end": "2024-02-01"}, {"start": "2024-03-01", "end": "2024-02-01"}]

    assert failing("{id: r, columns: [start, end], check: compare, operator: '<='}", rows) == [("start, end", (2,))]


def test_a_reference_is_looked_up():
    rule = "{id: r, columns: [vendor], check: reference, table: vendors, field: name}"
    rows = [{"vendor": "Acme"}, {"vendor": "Nobody"}]

    assert failing(rule, rows, lookup=lambda table, field: frozenset(["Acme"])) == [("vendor", (2,))]
    assert failing(rule, rows) == []


def test_names_of_columns_are_met_by_their_words():
    assert failing("{id: r, columns: [unit_price], check: range, min: 0}", [{"Unit Price": -1}]) == [
        ("Unit Price", (1,))
    ]


def test_all_that_is_wrong_with_a_file_of_rules_is_told_at_once():
    text = (
        "rules:\n"
        "  - {id: a, columns: [x], check: rang, min: 0}\n"
        "  - {id: b, columns: [x], check: range, minimum: 0}\n"
        "  - {id: c, check: required}\n"
        "  - {id: d, columns: [x], check: compare, operator: '=<'}\n"
    )

    with pytest.raises(UsageError) as caught:
        read_rules(text, shown="rules.yaml")

    told = [str(problem) for problem in caught.value.problems]
    assert any("rules.yaml:2" in line and 'did you mean "range"' in line for line in told)
    assert any('unknown option of range "minimum"' in line for line in told)
    assert any("rule 3: columns must be a list" in line for line in told)
    assert any('unknown operator "=<"' in line for line in told)


@pytest.mark.parametrize("name", PACKS)
def test_the_packs_are_sound(name):
    assert read_pack(name)


def test_scores_and_recommendations_follow_from_what_fails():
    rows = [
        {"isin": "US0378331005", "price": 5.0},
        {"isin": "US0378331006", "price": -1.0},
        {"isin": "US5949181045", "price": None},
        {"isin": "US5949181045", "price": None},
    ]
    result = DataQualityEngine(read_pack("finance"), clock=clock).assess_quality(rows)

    assert result.quality_scores == {"completeness": 0.75, "uniqueness": 0.75, "validity": 0.75}
    assert result.overall_quality_score == 0.75
    assert {one.rule for one in result.critical} == {"isin", "price"}
    assert result.recommendations[0] == "isin: 1 of 4 rows fail pattern (isin, first in row 2)"


def test_a_price_a_hundred_times_too_large_is_told_and_clean_prices_are_not():
    steps = random.Random(3)
    price, prices = 50.0, []
    for _ in range(400):
        price *= 1 + steps.gauss(0, 0.02)
        prices.append(round(price, 2))
    clean = [{"close": one} for one in prices]
    broken = [{"close": one * 100 if at == 200 else one} for at, one in enumerate(prices)]

    assert detect_anomalies(clean, ["close"], now=NOW) == []
    assert [(one.row, one.kind) for one in detect_anomalies(broken, ["close"], now=NOW)] == [(201, "scale")]


def test_a_value_off_its_season_is_told_though_it_is_usual_in_another():
    def month(at):
        return {"month": f"{2015 + at // 12}-{at % 12 + 1:02}-01", "sales": (900 if at % 12 == 11 else 100) + at % 7}

    rows = [month(at) for at in range(96)]
    rows[40]["sales"] = 900

    assert [(one.row, one.kind) for one in detect_anomalies(rows, ["month", "sales"], now=NOW)] == [(41, "seasonal")]


def test_days_that_cannot_be_are_told():
    rows = [{"born": day} for day in ("1985-03-02", "1970-01-01", "0212-01-01", "2990-01-01")]

    assert [one.row for one in detect_anomalies(rows, ["born"], now=NOW)] == [2, 3, 4]


def test_equal_and_nearly_equal_rows_are_told_and_others_not():
    text = "The quick brown fox jumps over the lazy dog near the old river bank"
    rows = [{"t": text}, {"t": "Something else entirely, with words of its own kind and length"}, {"t": text + "s"}]

    pairs = find_duplicates([*rows, rows[0]])

    assert [(pair.row, pair.of, pair.similarity == 1) for pair in pairs] == [(3, 1, False), (4, 1, True)]
