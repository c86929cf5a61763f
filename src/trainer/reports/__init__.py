"""Which reports there are, which are stale and why, how one is put together, and what it was made from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.core.face import face
from trainer.reports.compose import compose  # the name of its module, which would hide it

if TYPE_CHECKING:
    from trainer.reports.compose import report_date, stale_notice
    from trainer.reports.edits import Edit, difference, put_edits, take_edits, text_digest
    from trainer.reports.feed import GENERATOR, feed_xml
    from trainer.reports.index import INDEX_TEMPLATE, index_markdown, writing_cost
    from trainer.reports.orphans import Orphan, edited_files, find_orphans, remove_orphan
    from trainer.reports.plan import Ingredients, Plan, Reason, output_paths, plan_report
    from trainer.reports.provenance import UNDATED, Provenance, Written, provenance_path, read_provenance
    from trainer.reports.spec import ReportSpec, expand_reports, select_reports, select_tags

__all__ = [
    "GENERATOR",
    "INDEX_TEMPLATE",
    "UNDATED",
    "Edit",
    "Ingredients",
    "Orphan",
    "Plan",
    "Provenance",
    "Reason",
    "ReportSpec",
    "Written",
    "compose",
    "difference",
    "edited_files",
    "expand_reports",
    "feed_xml",
    "find_orphans",
    "index_markdown",
    "output_paths",
    "plan_report",
    "provenance_path",
    "put_edits",
    "read_provenance",
    "remove_orphan",
    "report_date",
    "select_reports",
    "select_tags",
    "stale_notice",
    "take_edits",
    "text_digest",
    "writing_cost",
]

__getattr__ = face(
    __name__,
    {
        "compose": "report_date stale_notice",
        "edits": "Edit difference put_edits take_edits text_digest",
        "feed": "GENERATOR feed_xml",
        "index": "INDEX_TEMPLATE index_markdown writing_cost",
        "orphans": "Orphan edited_files find_orphans remove_orphan",
        "plan": "Ingredients Plan Reason output_paths plan_report",
        "provenance": "UNDATED Provenance Written provenance_path read_provenance",
        "spec": "ReportSpec expand_reports select_reports select_tags",
    },
)
