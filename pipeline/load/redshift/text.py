"""Find the records whose text COPY would silently change (--check-text), and load without them.

COPY cuts a text at U+0000 and takes the last value of a repeated key. To find such records, the lines are first copied
as plain text into a temporary table; only if SQL finds suspicious lines there are the files read here.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from pipeline.console.display import Display
from pipeline.dbt.runner import Dbt, DbtError
from pipeline.load.record_text import find_flaw
from pipeline.load.redshift.compacted_part import CompactedPart
from pipeline.load.redshift.compaction import Compaction
from pipeline.load.redshift.manifest import Manifest
from pipeline.load.redshift.marks import write_part
from pipeline.load.redshift.problems import SourceText, explain
from pipeline.load.rejects import BLANKS, BOM, Problem, Reject, bad_values, line_text, too_many
from pipeline.settings import Settings
from pipeline.source.listing import SourceFile


def find_flawed(
    settings: Settings, manifest: Manifest, text: SourceText, dbt: Dbt, limit: int, display: Display
) -> list[Reject]:
    """Every record whose text COPY would change, up to limit.

    Raises:
        PipelineError: there are more.
    """
    display.progress(0, 0, "checking texts")
    manifest.write(text.s3)
    tables = _suspicious_tables(settings, manifest, text, dbt)
    rejects = [reject for table_name in tables for reject in _flawed_of(table_name, text, dbt.json_keys(table_name))]
    rejects.sort(key=lambda reject: (reject.problem.file_key, reject.problem.line_number))
    if len(rejects) > limit:
        problems = [reject.problem for reject in rejects]
        raise too_many(problems, len(rejects), limit) if limit else bad_values(problems, len(rejects))
    return rejects


def without_records(text: SourceText, flawed: Sequence[Reject], *, root: str) -> Compaction:
    """The same input with these lines blanked: below root, an s3 address, a copy of each object that has one."""
    lines: dict[str, set[int]] = defaultdict(set)
    for reject in flawed:
        lines[reject.problem.file_key].add(reject.problem.line_number)
    files = {file.key: file for file in text.files}
    parts, passed, again = [], [], []
    for part in text.compaction.parts:
        has_flaw = not lines.keys().isdisjoint(file.key for file in part.files)
        again.append([files[file.key] for file in part.files]) if has_flaw else parts.append(part)
    for file in text.compaction.passed:
        again.append([file]) if file.key in lines else passed.append(file)
    for number, members in enumerate(again, start=1):
        parts.append(_copy_without(lines, members, text, f"{root}/{number}.json.gz"))
    return replace(text.compaction, parts=parts, passed=passed)


def _suspicious_tables(settings: Settings, manifest: Manifest, text: SourceText, dbt: Dbt) -> list[str]:
    """The tables with a suspicious line; all tables if COPY cannot read the lines as text."""
    try:
        return list(json.loads(dbt.logged_by("find_suspicious_lines", manifest=manifest.argument)))
    except DbtError as error:
        if "sys_load_error_detail" not in str(error) and "stl_load_errors" not in str(error):
            raise explain(error, settings, manifest.argument["load_id"], text, dbt) from error
        return list(manifest.argument["tables"])


def _flawed_of(table_name: str, text: SourceText, json_keys: Sequence[str]) -> Iterator[Reject]:
    for file, content in text.contents([file for file in text.files if file.table_name == table_name]):
        for number, raw in enumerate(content.removeprefix(BOM).split(b"\n"), start=1):
            line = raw.strip(BLANKS)
            if flaw := find_flaw(line, json_keys):
                shown = line_text(line)[0]
                value = shown if flaw.json_key is None else flaw.value
                problem = Problem(file.key, number, flaw.json_key, value, flaw.reason)
                yield Reject(table_name, problem, shown, by_copy=False, is_blanked=True)


def _copy_without(lines: dict[str, set[int]], files: list[SourceFile], text: SourceText, address: str) -> CompactedPart:
    texts = ((file.key, _blanked(content, lines.get(file.key, set()))) for file, content in text.contents(files))
    return write_part(address, files[0].table_name, texts, s3=text.s3)


def _blanked(content: bytes, numbers: set[int]) -> bytes:
    lines = content.removeprefix(BOM).split(b"\n")
    return b"\n".join(b"" if number in numbers else line for number, line in enumerate(lines, start=1))
