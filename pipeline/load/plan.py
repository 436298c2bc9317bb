"""What a load would do, and what it did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from pipeline.load.rejects import Rejects
from pipeline.source.listing import SourceFile


@dataclass(frozen=True)
class LoadPlan:
    """What a load would do.

    files           the files to load: new ones, and those to load again
    listed_files    number of files in the source
    ledger_files    number of files of all sources that have rows in the warehouse
    gone_files      number of loaded files that are no longer in the source
    held_back       number of unchanged files of undone loads
    compact         whether to merge small files first
    max_errors      number of bad records that may be skipped
    replaced        keys of those of files that are loaded again (--reload); the load deletes their old rows
    companions      number of those in replaced that were not named, but loaded together with one that was
    check_text      whether to check on Redshift for text that COPY would change
    left_out        keys of files that are not named like JSON files
    held_loads      IDs of the loads of the files held back
    outgoing        the simulated sample, if this load replaces it
    """

    source: str
    files: list[SourceFile]
    listed_files: int
    ledger_files: int
    gone_files: int
    held_back: int = 0
    compact: bool = False
    max_errors: int = 0
    replaced: list[str] = field(default_factory=list)
    companions: int = 0
    check_text: bool = False
    left_out: list[str] = field(default_factory=list)
    held_loads: list[str] = field(default_factory=list)
    outgoing: str | None = None


@dataclass(frozen=True)
class LoadReport:
    """What a load did. rows has the new rows of each landed table; warnings are lines for the user.

    replaced has the keys of files whose earlier rows were deleted, empty_files those of files without a record.
    missing_days are ISO dates without events, next to the days of this load, with events before and after.
    """

    load_id: str
    files: dict[str, int]
    rows: dict[str, int]
    warnings: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    rejects: Rejects | None = None
    empty_files: list[str] = field(default_factory=list)
    missing_days: list[str] = field(default_factory=list)

    @classmethod
    def of_all(cls, reports: Sequence[LoadReport]) -> LoadReport | None:
        """What several loads of one run did together, with the ID of the last; None if there was no load."""
        if len(reports) < 2:
            return reports[0] if reports else None
        files: Counter[str] = Counter()
        rows: Counter[str] = Counter()
        for report in reports:
            files.update(report.files)
            rows.update(report.rows)
        return cls(
            reports[-1].load_id,
            dict(files),
            dict(rows),
            [warning for report in reports for warning in report.warnings],
            [key for report in reports for key in report.replaced],
            Rejects.of_all([report.rejects for report in reports if report.rejects]),
            [key for report in reports for key in report.empty_files],
            sorted({day for report in reports for day in report.missing_days}),
        )
