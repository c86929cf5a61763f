"""`trainer facts` shows what was understood, and a file of the project mends it."""

from __future__ import annotations

import json
from pathlib import Path


def test_a_page_names_measures_units_times_members_and_what_is_left_out(tmp_path: Path, run) -> None:
    (tmp_path / "rain.csv").write_text("month,city,rain_mm,id\n2024-01-31,Arden,43.3,9\n2024-02-29,Arden,12.1,8\n")
    shown = run(tmp_path, "facts", "rain.csv")
    assert shown.returncode == 0, shown.stderr
    assert "Rain  [rain]" in shown.stdout
    assert "mm; 2 values, 12.1 to 43.3, by month: 2024-01 to 2024-02" in shown.stdout
    assert "city: Arden" in shown.stdout
    assert "/records/0/id: identifier: 9" in shown.stdout


def test_json_counts_the_observations_and_lists_them_with_all(tmp_path: Path, run) -> None:
    (tmp_path / "d.json").write_text('{"revenue": {"2023": 54, "2024": 56}}')
    counted = json.loads(run(tmp_path, "facts", "d.json", "--json").stdout)
    listed = json.loads(run(tmp_path, "facts", "d.json", "--json", "--all").stdout)
    assert counted["observations"] == 2
    assert [(one["value"], one["time"]["label"], one["path"]) for one in listed["observations"]] == [
        (54, "2023", "/revenue/2023"),
        (56, "2024", "/revenue/2024"),
    ]


def test_a_file_of_the_project_corrects_unit_name_and_role(tmp_path: Path, run) -> None:
    (tmp_path / "config.yaml").write_text("llm_provider: {provider: draft}\n")
    (tmp_path / "information" / "facts").mkdir(parents=True)
    (tmp_path / "information" / "facts" / "air.yaml").write_text(
        "units: {pm: µg/m³}\nnames: {pm: Mean PM2.5}\nroles: {site: identifier}\n"
    )
    (tmp_path / "d.json").write_text('{"rows": [{"site": 4, "pm": 3.8}, {"site": 5, "pm": 4.4}]}')
    (measure,) = json.loads(run(tmp_path, "facts", "d.json", "--json").stdout)["measures"]
    assert (measure["title"], measure["units"]) == ("Mean PM2.5", ["µg/m³"])


def test_a_misspelt_section_names_the_nearest_one(tmp_path: Path, run) -> None:
    (tmp_path / "config.yaml").write_text("llm_provider: {provider: draft}\n")
    (tmp_path / "information" / "facts").mkdir(parents=True)
    (tmp_path / "information" / "facts" / "air.yaml").write_text("unit: {pm: mm}\n")
    (tmp_path / "d.json").write_text('{"pm": 3.8}')
    refused = run(tmp_path, "facts", "d.json")
    assert refused.returncode == 2
    assert 'did you mean "units"' in refused.stderr


def test_an_instruction_says_what_its_data_means_and_the_draft_says_it(tmp_path: Path, run) -> None:
    (tmp_path / "config.yaml").write_text("llm_provider: {provider: draft}\n")
    (tmp_path / "information" / "data").mkdir(parents=True)
    (tmp_path / "information" / "instructions").mkdir()
    (tmp_path / "information" / "data" / "air.json").write_text(
        '{"rows": [{"month": "2024-01", "pm": 3.8}, {"month": "2024-02", "pm": 4.4}]}'
    )
    (tmp_path / "information" / "instructions" / "air.md").write_text(
        "---\ntitle: Air\ndata:\n  d: {source: file, path: information/data/air.json}\n"
        "facts:\n  units: {pm: µg/m³}\n  names: {pm: Fine dust}\noutput: {sections: [Summary]}\n---\n"
        "## Summary\n\nState fine dust and how it changed.\n"
    )
    run = run(tmp_path, "run", "air.md")
    assert "Fine dust was 4.4 µg/m³ in February 2024, 15.8 % more than in January 2024 (3.8 µg/m³)." in run.stdout


def test_a_misspelt_role_in_an_instruction_is_told_with_its_place(tmp_path: Path, run) -> None:
    (tmp_path / "config.yaml").write_text("llm_provider: {provider: draft}\n")
    (tmp_path / "information" / "instructions").mkdir(parents=True)
    (tmp_path / "information" / "instructions" / "a.md").write_text("---\nfacts:\n  roles: {x: membre}\n---\nHello.\n")
    refused = run(tmp_path, "render", "a.md")
    assert refused.returncode == 2
    assert 'did you mean "member"' in refused.stderr
