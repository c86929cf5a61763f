from __future__ import annotations

import pytest

from trainer.core.values import Field
from trainer.sources.validation import oddities


def told(data, **fields):
    return list(oddities(data, {path.replace("__", "."): Field("", unit) for path, unit in fields.items()}))


def test_what_is_as_described_is_not_told():
    data = {"rows": [{"date": "2024-01-02", "sales": 1.5}, {"date": "2024-Q1", "sales": None}], "pe": 3, "name": "x"}

    assert told(data, rows__date="date", rows__sales="EUR", pe="ratio", name="text") == []


@pytest.mark.parametrize("value", ["2024", 2024, "2024-01", "2024-W05", "2024-01-02T10:00:00Z", "2024-01-02 10:00"])
def test_periods_and_moments_are_dates(value):
    assert told({"day": value}, day="date") == []


def test_a_figure_that_is_text_is_told_with_how_many_and_an_example():
    data = {"rows": [{"sales": "1,200"}, {"sales": 3}, {"sales": True}]}

    assert told(data, rows__sales="EUR/share") == [
        "rows.sales holds 2 of 3 values that are no figures in EUR/share: '1,200'"
    ]


def test_a_date_that_is_none_is_told():
    assert told({"day": "31/12/2024"}, day="date") == ["day holds 1 of 1 values that are no dates: '31/12/2024'"]
    assert list(oddities({}, {}, as_of="soon")) == ['the date it is valid for is no date: "soon"']


def test_a_described_field_that_is_nowhere_is_told_with_the_nearest():
    data = {"rows": [{"enrolled": 3}]}

    assert told(data, rows__enroled="count") == [
        'rows.enroled is described and not in the data; did you mean "rows.enrolled"?'
    ]


def test_a_name_may_hold_dots():
    assert told({"a.b": {"c": 1}}, a__b__c="count") == []
