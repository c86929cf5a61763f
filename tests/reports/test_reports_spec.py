"""The reports of a config: the matrix spread out, names fit for files, names chosen on the command line."""

from typing import Any

import pytest

from trainer.core.config.schema import Report
from trainer.core.errors import ConfigError, UsageError
from trainer.reports import ReportSpec, expand_reports, select_reports


def report(**facts: Any) -> Report:
    return Report(instruction="overview.md", **facts)


def names(entry: str, **facts: Any) -> list[str]:
    return [spec.name for spec in expand_reports({entry: report(**facts)})]


def refusal(reports: dict[str, Report]) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        expand_reports(reports)
    return [problem.message for problem in caught.value.problems]


def test_a_report_without_a_matrix_is_one_report_of_its_entrys_name() -> None:
    specs = expand_reports({"alpha": report(params={"T": 1}, title="A", formats=["html", "md", "html"])})

    assert specs == (
        ReportSpec("alpha", "alpha", "overview.md", params={"T": 1}, title="A", formats=("html", "markdown")),
    )


def test_a_matrix_spreads_out_in_the_order_of_the_config_with_its_values_over_the_params() -> None:
    specs = expand_reports({"peers": report(params={"A": 0, "C": 9}, matrix={"A": [2, 1], "B": ["x", "y"]})})

    assert [spec.name for spec in specs] == ["peers-2-x", "peers-2-y", "peers-1-x", "peers-1-y"]
    assert specs[1].params == {"A": 2, "B": "y", "C": 9}
    assert {spec.entry for spec in specs} == {"peers"}


@pytest.mark.parametrize(
    ("entry", "matrix", "found"),
    [
        ("overview-{TICKER}", {"TICKER": ["ABBV", "BFLY"]}, ["overview-abbv", "overview-bfly"]),
        ("{B}-of-{A}", {"A": ["a"], "B": ["b"]}, ["b-of-a"]),
        ("only-{A}", {"A": ["a"], "B": ["b"]}, ["only-a"]),
        ("plain", {"A": ["Sample Ltd & Söhne"]}, ["plain-sample-ltd-sohne"]),
        ("plain", {"A": [1.5, True, None]}, ["plain-1.5", "plain-true", "plain-none"]),
        ("plain", {"A": ["../../etc/passwd", "a/b", ".."]}, ["plain-etc-passwd", "plain-a-b", "plain-x"]),
        ("plain", {"A": ["東京"]}, ["plain-東京"]),
    ],
)
def test_the_names_of_a_matrix(entry: str, matrix: dict[str, list[Any]], found: list[str]) -> None:
    assert names(entry, matrix=matrix) == found


@pytest.mark.parametrize(
    "name", ["../up", "a/b", "index", "", ".hidden", "two words", "x" * 121, "京" * 81, "over-{UNKNOWN}", "a\nb", "-a"]
)
def test_a_name_unfit_for_a_file_is_refused(name: str) -> None:
    assert refusal({name: report()}) == [f'"{name}" cannot name a report']


def test_the_longest_name_is_a_name() -> None:
    assert names("x" * 120) == ["x" * 120]


def test_two_reports_never_share_a_file_however_the_disk_spells_it() -> None:
    found = refusal({"all-{A}": report(matrix={"A": ["A B", "a-b"]}), "One": report(), "one": report()})

    assert found == ['two reports would be written to "all-a-b"', 'two reports would be written to "one"']


def test_all_problems_of_a_config_are_told_at_once_with_advice() -> None:
    with pytest.raises(ConfigError) as caught:
        expand_reports({"a/b": report(), "index": report(), "c": report(), "C": report()})

    assert len(caught.value.problems) == 3
    assert [problem.hint for problem in caught.value.problems if not problem.hint] == []
    assert caught.value.exit_code == 2


def test_a_matrix_without_values_is_refused_since_it_would_build_nothing() -> None:
    with pytest.raises(ConfigError) as caught:
        expand_reports({"none": report(matrix={"A": ["x"], "B": []})})

    assert caught.value.message == "reports.none.matrix.B has no values, so no report would be built"


SPECS = expand_reports({"alpha": report(), "peers": report(matrix={"A": ["x", "y"]})})


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        ([], ["alpha", "peers-x", "peers-y"]),
        (["peers"], ["peers-x", "peers-y"]),
        (["peers-y", "alpha", "alpha"], ["alpha", "peers-y"]),
    ],
)
def test_names_choose_reports_or_a_whole_matrix_in_the_configs_order(chosen: list[str], found: list[str]) -> None:
    assert [spec.name for spec in select_reports(SPECS, chosen)] == found


def test_every_unknown_name_is_told_with_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        select_reports(SPECS, ["alhpa", "peers", "zzz"])

    assert [(problem.message, problem.hint) for problem in caught.value.problems] == [
        ('unknown report "alhpa"', 'did you mean "alpha"?'),
        ('unknown report "zzz"', "known: alpha, peers, peers-x, peers-y"),
    ]


def test_a_glob_selects_all_reports_whose_names_fit() -> None:
    specs = expand_reports({"region-{A}": report(matrix={"A": ["north", "south"]}), "all": report()})

    assert [spec.name for spec in select_reports(specs, ["region-*"])] == ["region-north", "region-south"]
    assert [spec.name for spec in select_reports(specs, ["a??", "region-south"])] == ["region-south", "all"]
