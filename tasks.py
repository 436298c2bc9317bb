"""The project's commands: `./inv` lists the tasks, `./inv help TASK` explains one."""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from invoke import Collection, Context

from door.command import command, fail, settings_of, values_of
from door.flags import LOAD_HELP, REPEATED, takes_load_options
from door.program import CommandLine, task

if TYPE_CHECKING:
    from infra.settings import InfraSettings
    from pipeline.console.display import Display
    from pipeline.settings import LoadOptions

_QUIET = "print nothing but warnings and errors"
_DATABASE = "published DuckDB file (default: sparkify.duckdb)"
_SOURCE = "folder or s3:// address with song_data/ and log_data/ (default: the sources loaded before, else a sample)"
_TARGET = "duckdb (default) or redshift"
_RESULT_HELP = {"json": "print the result as JSON", "quiet": _QUIET}
_LOAD_HELP = {"source": _SOURCE, "target": _TARGET, "database": _DATABASE, **LOAD_HELP, **_RESULT_HELP}


def _display(quiet: bool) -> Display:
    from pipeline.console.display import Display

    return Display(quiet=quiet)


@task(help=_LOAD_HELP, iterable=REPEATED)
@command
@takes_load_options
def run(
    context: Context,
    options: LoadOptions,
    source: str = "",
    target: str = "",
    database: str = "",
    json: bool = False,
    quiet: bool = False,
) -> None:
    """Load new files, build, test, publish and document: the main job."""
    from pipeline.run.run import run as run_pipeline
    from pipeline.run.summary import print_report

    settings = settings_of(context, source=source, target=target, database=database)
    report = run_pipeline(settings, options, _display(quiet or json))
    print_report(report, as_json=json, quiet=quiet)


@task(
    name="new",
    default=True,
    help={**_LOAD_HELP, "dry-run": "list the new files, and on Redshift the SQL statements; change nothing"},
    iterable=REPEATED,
)
@command
@takes_load_options
def load(
    context: Context,
    options: LoadOptions,
    source: str = "",
    target: str = "",
    database: str = "",
    dry_run: bool = False,
    json: bool = False,
    quiet: bool = False,
) -> None:
    """Load new files into the landed tables without building anything."""
    from pipeline.console.display import print_text
    from pipeline.run.run import describe_load, run_load
    from pipeline.run.summary import print_load

    settings = settings_of(context, source=source, target=target, database=database)
    if dry_run:
        print_text(*describe_load(settings, options, _display(quiet)))
        return
    report = run_load(settings, options, _display(quiet or json))
    print_load(report, as_json=json, quiet=quiet, flags=settings.flags, work_flags=settings.work_flags)


@task(
    name="undo",
    positional=["load_id"],
    help={
        "load-id": "ID of the load, from load.list or a failed run",
        "target": _TARGET,
        "database": _DATABASE,
        **_RESULT_HELP,
    },
)
@command
def load_undo(
    context: Context, load_id: str, target: str = "", database: str = "", json: bool = False, quiet: bool = False
) -> None:
    """Undo a load: delete its rows, then build, test and publish without them."""
    from pipeline.run.undo import print_undo, undo

    report = undo(settings_of(context, target=target, database=database), load_id, _display(quiet or json))
    print_undo(report, as_json=json, quiet=quiet)


@task(
    name="redo",
    positional=["load_id"],
    help={
        "load-id": "ID of the load, from load.list or load.undo",
        "target": _TARGET,
        "database": _DATABASE,
        "compact": LOAD_HELP["compact"],
        **_RESULT_HELP,
    },
)
@command
def load_redo(
    context: Context,
    load_id: str,
    target: str = "",
    database: str = "",
    compact: bool = False,
    json: bool = False,
    quiet: bool = False,
) -> None:
    """Load the files of an undone load again, if still in the source, then build, test and publish."""
    from pipeline.run.redo import redo
    from pipeline.run.summary import print_report

    settings = settings_of(context, target=target, database=database)
    report = redo(settings, load_id, _display(quiet or json), compact=compact)
    print_report(report, as_json=json, quiet=quiet)


@task(name="list", help={"target": _TARGET, "database": _DATABASE, "json": "print the result as JSON"})
@command
def load_list(context: Context, target: str = "", database: str = "", json: bool = False) -> None:
    """List the loads, newest first: ID, time, source, files, rows, rejected records, status."""
    from pipeline.warehouse.loads import print_loads, read_loads
    from pipeline.warehouse.warehouse import Warehouse

    warehouse = Warehouse(settings_of(context, target=target, database=database))
    print_loads(read_loads(warehouse), warehouse, as_json=json)


@task(help={"database": _DATABASE, "quiet": _QUIET})
@command
def publish(context: Context, database: str = "", quiet: bool = False) -> None:
    """Test what your own dbt commands have built, then publish it to analysts."""
    from pipeline.run.run import publish_work_file

    publish_work_file(settings_of(context, database=database), _display(quiet))


@task(help={"target": _TARGET, "database": _DATABASE, "yes": "do not ask for confirmation"})
@command
def reset(context: Context, target: str = "", database: str = "", yes: bool = False) -> None:
    """Drop all tables of the warehouse and recreate the landed ones, empty. Asks first."""
    from pipeline.console.display import print_text
    from pipeline.warehouse.reset import describe, reset_warehouse

    settings = settings_of(context, target=target, database=database)
    print_text(describe(settings))
    if not yes and (not sys.stdin.isatty() or input("Type yes to drop it: ").strip() != "yes"):
        fail("Nothing was dropped. Type yes to confirm, or pass --yes in a script.")
    print_text(reset_warehouse(settings))


@task(
    positional=["sql"],
    may_be_left_out=["sql"],
    help={
        "sql": "one statement; tables by their bare names. Without it, or with -, SQL is read from standard input",
        "file": "read the SQL from this file",
        "target": _TARGET,
        "database": _DATABASE,
        "csv": "print CSV",
        "json": "print JSON, a list of objects",
    },
)
@command
def query(
    context: Context,
    sql: str,
    file: str = "",
    target: str = "",
    database: str = "",
    csv: bool = False,
    json: bool = False,
) -> None:
    """Ask the warehouse: ./inv query "select …". On DuckDB the published file is read."""
    from pipeline.warehouse.query import print_query, read_sql

    settings = settings_of(context, target=target, database=database)
    print_query(settings, read_sql(sql, file), as_csv=csv, as_json=json)


@task(
    help={
        "target": _TARGET,
        "database": _DATABASE,
        "charts": "write these charts as SVG files instead, such as hours,top_songs",
        "folder": "folder for the charts (default docs/images)",
        "definitions": "write docs/findings.md instead: what each finding counts, and its pitfalls",
        "quiet": _QUIET,
    }
)
@command
def report(
    context: Context,
    target: str = "",
    database: str = "",
    charts: str = "",
    folder: str = "docs/images",
    definitions: bool = False,
    quiet: bool = False,
) -> None:
    """Write the listening report, one page of charts, findings and their SQL. `run` writes it too."""
    from pipeline.run.run import report as write_report
    from pipeline.run.run import write_findings, write_images

    settings = settings_of(context, target=target, database=database)
    if definitions:
        write_findings(_display(quiet))
    elif charts:
        write_images(settings, charts, folder, _display(quiet))
    else:
        write_report(settings, _display(quiet))


@task(
    help={
        "name": "the_load, the_source or songplays (default: open the folder)",
        "target": _TARGET,
        "database": _DATABASE,
        "export": "run it and write it with its outputs as a page next to the docs (default: the_load)",
    },
)
@command
def notebook(context: Context, name: str = "", target: str = "", database: str = "", export: bool = False) -> int:
    """Open a notebook in marimo, or export it as a page. The first call installs the development tools."""
    from pipeline.console.display import print_text
    from pipeline.foreign_text import shown
    from pipeline.site import notebooks

    settings = settings_of(context, target=target, database=database)
    if not export:
        return notebooks.edit(settings, name)
    print_text(shown(notebooks.export(settings, name or notebooks.EXPORTED)))
    return 0


@task(
    positional=["folder"],
    help={
        "folder": "new folder, or one that holds an earlier simulation",
        "events": "number of events (default 10000)",
        "users": "number of users (default 100)",
        "songs": "number of song files (default 1000)",
        "days": "number of days (default 30)",
        "start": "first day (default 2018-11-01)",
        "seed": "random seed; the same seed and sizes give the same bytes (default 1)",
        "quiet": _QUIET,
    },
)
@command
def simulate(
    context: Context,
    folder: str,
    events: str = "",
    users: str = "",
    songs: str = "",
    days: str = "",
    start: str = "",
    seed: str = "",
    quiet: bool = False,
) -> None:
    """Write a simulated source: song and event files laid out as in the bucket, with the same quirks."""
    from pipeline.source.simulate import Simulation, simulate_folder

    simulation = Simulation.from_flags(events=events, users=users, songs=songs, days=days, start=start, seed=seed)
    simulate_folder(folder, simulation, _display(quiet))


@task(name="build", help={"target": _TARGET, "database": _DATABASE, "quiet": _QUIET})
@command
def docs_build(context: Context, target: str = "", database: str = "", quiet: bool = False) -> None:
    """Build the docs site: pages that open in a browser without a server."""
    from pipeline.run.run import document

    document(settings_of(context, target=target, database=database), _display(quiet))


@task(name="serve", help={"port": "local port (default 8080)", "target": _TARGET, "database": _DATABASE})
@command
def docs_serve(context: Context, port: str = "", target: str = "", database: str = "") -> None:
    """Serve the docs site on this machine until you press Ctrl-C."""
    from pipeline.site.docs import serve_docs

    if port:
        context.config.docs.port = port
    serve_docs(settings_of(context, target=target, database=database))


@task(help={"thorough": "also run the long tests, such as killing a run at each of its statements; takes two hours"})
@command
def test(context: Context, thorough: bool = False) -> int:
    """Run the linters, dbt's unit tests, and pytest, which builds its own warehouses."""
    from door.checks import run_tests

    return run_tests(thorough=thorough)


@task(help={"fix": "fix what can be fixed automatically"})
@command
def lint(context: Context, fix: bool = False) -> int:
    """Check the style of Python and SQL, and that dbt reports no deprecations."""
    from door.checks import run_linters

    return run_linters(fix=fix)


@task(name="stand-in")
@command
def stand_in(context: Context) -> NoReturn:
    """Run a local stand-in for Redshift until you press Ctrl-C; prints the environment variables to use it."""
    from door.checks import run_stand_in

    run_stand_in()


on_aws = functools.partial(command, interrupted="AWS continues what it has started. Run it again to finish.")


def _infra_settings(context: Context, **flags: str) -> InfraSettings:
    from infra.settings import read_infra_settings

    return read_infra_settings(values_of(context.config), **flags)


@task(name="plan", help={"offline": "plan without AWS, credentials or network: everything, with reasons and costs"})
@on_aws
def infra_plan(context: Context, offline: bool = False) -> None:
    """Show what infra.up would create, change, keep or delete, and the cost."""
    from infra.console import plan

    plan(_infra_settings(context), offline=offline)


@task(
    name="up",
    help={
        "replace": "where a warehouse cannot be changed, delete it with a final snapshot and create it again; "
        "asks for the name",
        "name": "the project's name, to confirm without being asked",
    },
)
@on_aws
def infra_up(context: Context, replace: bool = False, name: str = "") -> None:
    """Create and change what infra.plan shows, and print how to connect."""
    from infra.console import up

    up(_infra_settings(context), may_replace=replace, name=name)


@task(name="status", help={"exports": 'print only the variables: eval "$(./inv infra.status --exports)"'})
@on_aws
def infra_status(context: Context, exports: bool = False) -> int:
    """Show state, endpoint, cost so far, and differences from the plan."""
    from infra.console import status

    return status(_infra_settings(context), exports=exports)


@task(name="pause")
@on_aws
def infra_pause(context: Context) -> None:
    """Pause the cluster, so that you pay for storage only."""
    from infra.console import pause

    pause(_infra_settings(context))


@task(name="resume")
@on_aws
def infra_resume(context: Context) -> None:
    """Resume a paused cluster."""
    from infra.console import resume

    resume(_infra_settings(context))


@task(
    name="resize",
    help={
        "nodes": "number of nodes",
        "node-type": "node type, such as rg.xlarge",
        "base-capacity": "serverless: base capacity in RPU",
        "max-capacity": "serverless: maximum capacity in RPU",
    },
)
@on_aws
def infra_resize(
    context: Context, nodes: str = "", node_type: str = "", base_capacity: str = "", max_capacity: str = ""
) -> None:
    """Resize the warehouse. The data stays; queries wait for some minutes."""
    from infra.console import resize

    size = {"nodes": nodes, "node_type": node_type, "base_capacity": base_capacity, "max_capacity": max_capacity}
    resize(_infra_settings(context, **size), **size)


@task(
    name="down",
    help={"name": "the project's name, to confirm without being asked", "snapshot": "take no final snapshot"},
)
@on_aws
def infra_down(context: Context, name: str = "", snapshot: bool = True) -> None:
    """Delete the whole stack after a final snapshot, and check that nothing remains. Asks for the name."""
    from infra.console import down

    down(_infra_settings(context), name=name, take_snapshot=snapshot)


@task(name="policy", help={"account": "12-digit AWS account ID (default: that of your credentials)"})
@on_aws
def infra_policy(context: Context, account: str = "") -> None:
    """Print the minimal IAM policies that an operator of the stack needs."""
    from infra.console import policy

    policy(_infra_settings(context), account=account)


@task(name="find")
@on_aws
def infra_find(context: Context) -> None:
    """List everything in the region that has the project's tag, and mark what is not in the plan."""
    from infra.console import find

    find(_infra_settings(context))


docs = Collection("docs", docs_build, docs_serve)
infrastructure = Collection(
    "infra",
    infra_plan,
    infra_up,
    infra_status,
    infra_pause,
    infra_resume,
    infra_resize,
    infra_down,
    infra_policy,
    infra_find,
)
loads = Collection("load", load, load_undo, load_redo, load_list)  # `load` itself is its default
namespace = Collection(
    run, loads, publish, reset, query, report, notebook, simulate, test, lint, stand_in, docs, infrastructure
)

# The headings of the task list, each with its tasks; a collection brings its own.
GROUPS = {
    "Load and build": ("run", "load", "publish", "reset"),
    "Query and explore": ("query", "report", "notebook", "docs"),
    "Develop": ("simulate", "stand-in", "lint", "test"),
    "The warehouse on AWS": ("infra",),
}
TITLE = "Sparkify's data warehouse, on DuckDB or Redshift."

if __name__ == "__main__":
    CommandLine(namespace, root=Path(__file__).resolve().parent, groups=GROUPS, title=TITLE).run()
