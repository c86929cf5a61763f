"""Which reports there are, which are stale and why, how one is put together, and what it was made from."""

from trainer.reports.compose import compose, report_date
from trainer.reports.feed import GENERATOR, feed_xml
from trainer.reports.index import INDEX_TEMPLATE, index_markdown
from trainer.reports.plan import Ingredients, Plan, Reason, output_paths, plan_report
from trainer.reports.provenance import Provenance, Written, provenance_path, read_provenance
from trainer.reports.spec import ReportSpec, expand_reports, select_reports

__all__ = [
    "GENERATOR",
    "INDEX_TEMPLATE",
    "Ingredients",
    "Plan",
    "Provenance",
    "Reason",
    "ReportSpec",
    "Written",
    "compose",
    "expand_reports",
    "feed_xml",
    "index_markdown",
    "output_paths",
    "plan_report",
    "provenance_path",
    "read_provenance",
    "report_date",
    "select_reports",
]
