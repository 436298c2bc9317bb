"""Who may read, and that reading never stands in the way of a run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from projects import Project, a_copy

# Opens the file as a BI tool would, says so, and asks again when it is told to.
TOOL = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1], read_only=True)
count = "select count(*) from analytics.daily_listening"
print(connection.execute(count).fetchone()[0], flush=True)
sys.stdin.readline()
print(connection.execute(count).fetchone()[0], flush=True)
connection.close()
print(duckdb.connect(sys.argv[1], read_only=True).execute("select count(*) from analytics.again").fetchone()[0])
"""


def test_tools_that_have_the_file_open_neither_stop_a_run_nor_see_half_of_it(sample: Project, tmp_path: Path) -> None:
    project = a_copy(sample, tmp_path)
    tools = [
        subprocess.Popen(
            [sys.executable, "-c", TOOL, str(project.database)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    before = [tool.stdout.readline() for tool in tools]
    (project.root / "models/marts/again.sql").write_text("{{ config(contract={'enforced': false}) }} select 1 as one")
    done = project.invoke("run", "-q")
    assert done.returncode == 0, done.stderr
    for tool, seen in zip(tools, before, strict=True):
        said, _ = tool.communicate("\n", timeout=60)
        assert tool.returncode == 0
        assert said.splitlines() == [seen.strip(), "1"]


def test_a_reader_is_granted_what_analysts_use_and_nothing_else(project: Project, tmp_path: Path) -> None:
    def grants(reader: str) -> dict[str, dict[str, list[str]]]:
        folder = tmp_path / f"target{len(reader)}"
        done = project.dbt("parse", "--target", "redshift", SPARKIFY_READER=reader, DBT_TARGET_PATH=str(folder))
        assert done.returncode == 0, done.stdout
        nodes = json.loads((folder / "manifest.json").read_text())["nodes"].values()
        return {
            f"{node['schema']}.{node['name']}": node["config"]["grants"]
            for node in nodes
            if node["resource_type"] in ("model", "seed")
        }

    granted = grants("role:analysts")
    assert {grant["select"][0] for name, grant in granted.items() if name.startswith("analytics.")} == {"role:analysts"}
    assert [grant for name, grant in granted.items() if not name.startswith("analytics.") and grant] == []
    assert [grant for grant in grants("").values() if grant] == []


def test_a_readers_name_is_quoted_or_refused(project: Project) -> None:
    def compiled(*readers: str) -> subprocess.CompletedProcess[str]:
        calls = "|".join(f"{{{{ grantee({reader!r}) }}}}" for reader in readers)
        return project.dbt("--quiet", "compile", "--inline", calls)

    assert compiled("role:a", "group:b", "c", "user:d").stdout.strip() == 'role "a"|group "b"|"c"|"d"'
    for reader in ('x" to public; drop schema analytics; --', "admin:x"):
        refused = compiled(reader)
        assert refused.returncode != 0
        assert "it must be the name of a user, role:NAME or group:NAME" in refused.stdout
