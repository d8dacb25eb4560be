"""What a comparison says, for people: one HTML page, comparison.csv, charts as pictures."""

from vitrina.evaluation.report.page import write_report
from vitrina.evaluation.report.table import write_csv

__all__ = ["write_csv", "write_report"]
