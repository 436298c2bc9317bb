"""What the readers make of odd values: DuckDB's two, and COPY as the stand-in plays it. Redshift itself is not asked.

The stand-in does what Redshift documents. Where nothing is documented it refuses to guess, and the value is counted as
not compared. What may differ is listed in bad_values.py, under DIFFERENCES.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from bad_values import DIFFERENCES, difference_of
from benches import Bench, RedshiftBench
from odd_values import OddRecord, odd_records

from pipeline.dbt.runner import Dbt
from pipeline.load.duckdb import folder as load_folder

FILES = {"staging_events": "log_data/odd.json", "staging_songs": "song_data/A/odd.json"}
REFUSED = "refused"
DOUBTED = 1000  # of a table's refused values: each takes a query of its own


def outcomes(bench: Bench, records: list[OddRecord]) -> dict[tuple[str, int], Any]:
    """What became of each record's odd value, by the record's table and number."""
    found: dict[tuple[str, int], Any] = {}
    for table_name in {record.table_name for record in records}:
        members = [record for record in records if record.table_name == table_name]
        bench.put(FILES[table_name], *(record.text for record in members))
    bench.load(max_errors=100_000)
    for table_name, name in FILES.items():
        members = [record for record in records if record.table_name == table_name]
        lines = bench.rows(f"select line_number from load_rejects where file_key = '{name}'")
        found.update({members[line - 1].key: REFUSED for (line,) in lines})
        for column_name, id_column in {(record.column.name, record.id_column) for record in members}:
            landed = bench.rows(f"select {id_column}, {column_name} from {table_name}")
            by_name = dict(landed)
            for record in members:
                if record.column.name == column_name and record.key not in found:
                    found[record.key] = by_name[f"R{record.number}"]
    return found


class FilesReader:
    """The load's own statement for big files, over one file."""

    def __init__(self, dbt: Dbt, table_name: str, path: Path) -> None:
        self.path = path
        call = f"duckdb__insert_files({table_name!r}, json_columns({table_name!r}), 'load', 'none', [{str(path)!r}])"
        compiled = dbt.command("compile", "--inline", f"{{{{ {call} }}}}")[-1].node.compiled_code
        self.query = compiled[compiled.index("select") :]
        self.columns = [column.name for column in dbt.json_columns(table_name)]

    def rows(self, records: list[OddRecord]) -> list[dict[str, Any]]:
        """The rows that it makes of the records, in their order.

        Raises:
            duckdb.Error: it doubts one of them; the load then reads them line by line.
        """
        self.path.write_text("\n".join(record.text for record in records), encoding="utf-8")
        with duckdb.connect() as connection:
            connection.execute("set threads = 1")  # which keeps the rows in their order
            connection.execute("create table loading_files as select ? as path, 'a.json' as file_key", [str(self.path)])
            rows = connection.execute(self.query).fetchall() if records else []
        return [dict(zip(self.columns, row, strict=False)) for row in rows]


@pytest.mark.parametrize("size", [400, pytest.param(0, marks=pytest.mark.thorough)], ids=["sample", "all"])
def test_odd_values_are_the_same_for_every_reader(
    bench: Bench,
    redshift_bench: RedshiftBench,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    figures: Callable[..., None],
    size: int,
) -> None:
    records = [record for table in FILES for record in odd_records(table, bench.dbt.json_columns(table))]
    if size:
        records = random.Random(14).sample(records, size)  # noqa: S311
    monkeypatch.setattr(load_folder, "SMALL_FILE_BYTES", 10**12)
    by_line = outcomes(bench, records)
    tried = 0
    for table_name in FILES:
        reader = FilesReader(bench.dbt, table_name, tmp_path / f"{table_name}.json")
        members = [record for record in records if record.table_name == table_name]
        taken = [record for record in members if by_line[record.key] != REFUSED]
        for record, row in zip(taken, reader.rows(taken), strict=True):
            assert row[record.column.name] == by_line[record.key], record.text
        refused = [record for record in members if by_line[record.key] == REFUSED]
        doubted = random.Random(15).sample(refused, min(len(refused), DOUBTED))  # noqa: S311
        for record in doubted:
            with pytest.raises(duckdb.Error):
                pytest.fail(f"read by the files' reader only: {reader.rows([record])}, {record.text}")
        tried += len(taken) + len(doubted)

    compared = [record for record in records if record.is_known_of_redshift]
    by_copy = outcomes(redshift_bench, compared)
    differing = [record for record in compared if by_line[record.key] != by_copy[record.key]]
    listed = Counter(difference_of(record.column.data_type, record.value) for record in differing)
    unlisted = [
        f"{record.column.name} {record.value}: {by_line[record.key]!r}, COPY {by_copy[record.key]!r}"
        for record in differing
        if not difference_of(record.column.data_type, record.value)
    ]
    assert unlisted == []
    figures(4, "odd values on which both of DuckDB's readers agree", "DuckDB", tried)
    figures(4, "odd values compared on DuckDB and the stand-in, which is not Redshift", "both", len(compared))
    figures(4, "odd values among them with different outcomes, all listed", "both", len(differing))
    for difference, count in listed.items():
        assert difference
        figures(4, f"odd values with different outcomes: {difference.what}", "both", count)
    figures(
        4, "odd values not compared, because COPY's outcome is not documented", "DuckDB", len(records) - len(compared)
    )
    assert size or set(listed) == set(DIFFERENCES)
