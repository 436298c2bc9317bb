"""The door to the warehouse: `invoke --list` shows what there is, `invoke --help TASK` what a task takes."""

import sys

from invoke import Collection, task
from invoke.exceptions import Exit

_QUIET = "print nothing but warnings and errors"
_DATABASE = "DuckDB file that is published (default: sparkify.duckdb)"
_SOURCE = "folder or s3:// address with song_data/ and log_data/ (default: a simulated sample)"
_TARGET = "duckdb (default) or redshift"
_LOAD_HELP = {
    "source": _SOURCE,
    "target": _TARGET,
    "database": _DATABASE,
    "only": "songs or events, when not both",
    "song-prefix": "only the songs below this folder of song_data, such as A/B",
    "sample": "only one folder of songs and one file of events",
    "add-source": "load a further source into a warehouse that has another",
    "json": "print the result as JSON",
    "quiet": _QUIET,
}


def _fail(error):
    """End the command with the error's text, without a traceback."""
    raise Exit(f"Error: {error}", code=error.exit_code)


def _settings(context, **flags):
    from pipeline.errors import PipelineError
    from pipeline.settings import read_settings

    try:
        return read_settings(context.config, **{name: value or "" for name, value in flags.items()})
    except PipelineError as error:
        _fail(error)


@task(help=_LOAD_HELP)
def run(
    context,
    source="",
    target="",
    database="",
    only="",
    song_prefix="",
    sample=False,
    add_source=False,
    json=False,
    quiet=False,
):
    """Load new files, build, test, document and publish: the main job."""
    from pipeline.display import Display
    from pipeline.errors import PipelineError
    from pipeline.run import run as run_pipeline
    from pipeline.run_report import print_report
    from pipeline.settings import LoadOptions

    settings = _settings(context, source=source, target=target, database=database)
    try:
        options = LoadOptions.from_flags(only=only, song_prefix=song_prefix, sample=sample, add_source=add_source)
        report = run_pipeline(settings, options, Display(quiet=quiet or json))
    except PipelineError as error:
        _fail(error)
    print_report(report, as_json=json, quiet=quiet)


@task(help=_LOAD_HELP)
def load(
    context,
    source="",
    target="",
    database="",
    only="",
    song_prefix="",
    sample=False,
    add_source=False,
    json=False,
    quiet=False,
):
    """Load new files into the landed tables, and build nothing."""
    from pipeline.display import Display
    from pipeline.errors import PipelineError
    from pipeline.run import run_load
    from pipeline.run_report import print_load
    from pipeline.settings import LoadOptions

    settings = _settings(context, source=source, target=target, database=database)
    try:
        options = LoadOptions.from_flags(only=only, song_prefix=song_prefix, sample=sample, add_source=add_source)
        report = run_load(settings, options, Display(quiet=quiet or json))
    except PipelineError as error:
        _fail(error)
    print_load(report, as_json=json, quiet=quiet)


@task(help={"database": _DATABASE})
def publish(context, database=""):
    """Swap the work file in for what analysts open, after a dbt command of your own."""
    from pipeline.errors import PipelineError
    from pipeline.run import publish_work_file

    try:
        print(f"Published {publish_work_file(_settings(context, database=database))}")
    except PipelineError as error:
        _fail(error)


@task(help={"target": _TARGET, "database": _DATABASE, "yes": "do not ask"})
def reset(context, target="", database="", yes=False):
    """Drop the warehouse's tables and make the landed ones anew, empty. Asks first."""
    from pipeline.errors import PipelineError
    from pipeline.reset import describe, reset_warehouse

    settings = _settings(context, target=target, database=database)
    try:
        print(describe(settings))
        if not yes and (not sys.stdin.isatty() or input("Drop it? Type yes: ").strip() != "yes"):
            raise Exit("Nothing was dropped. Answer yes, or say --yes where nobody can answer.", code=1)
        print(reset_warehouse(settings))
    except PipelineError as error:
        _fail(error)
    except (EOFError, KeyboardInterrupt):
        raise Exit("Nothing was dropped.", code=1) from None


@task(
    positional=["sql"],
    help={
        "sql": "one statement; tables by their bare names",
        "target": _TARGET,
        "database": _DATABASE,
        "csv": "print CSV",
        "json": "print JSON, a list of objects",
    },
)
def query(context, sql, target="", database="", csv=False, json=False):
    """Ask the warehouse: invoke query "select …". On DuckDB the published file is read."""
    from pipeline.errors import PipelineError
    from pipeline.query import print_query

    try:
        print_query(_settings(context, target=target, database=database), sql, as_csv=csv, as_json=json)
    except PipelineError as error:
        _fail(error)


@task(
    positional=["folder"],
    help={
        "folder": "new folder, or one that was simulated before",
        "events": "number of events (default 10000)",
        "users": "number of users (default 100)",
        "songs": "number of song files (default 1000)",
        "days": "number of days (default 30)",
        "start": "first day (default 2018-11-01)",
        "seed": "the same seed and sizes give the same bytes (default 1)",
        "quiet": _QUIET,
    },
)
def simulate(context, folder, events=10_000, users=100, songs=1_000, days=30, start="2018-11-01", seed=1, quiet=False):
    """Write a simulated source: song and event files as they lie in the bucket, traps and all."""
    from pathlib import Path

    from pipeline.display import Display
    from pipeline.errors import PipelineError
    from pipeline.simulate import Simulation
    from pipeline.simulate import simulate as simulate_source

    simulation = Simulation(events=events, users=users, songs=songs, days=days, start=start, seed=seed)
    display = Display(quiet=quiet)
    try:
        with display.step("Simulate") as step:
            simulate_source(Path(folder), simulation, display.progress)
            step.summary = f"{events:,} events of {users:,} users and {songs:,} songs in {folder}"
    except PipelineError as error:
        _fail(error)


@task(name="build", help={"target": _TARGET, "database": _DATABASE, "quiet": _QUIET})
def docs_build(context, target="", database="", quiet=False):
    """Write the docs site, one page that needs no server."""
    from pipeline.display import Display
    from pipeline.errors import PipelineError
    from pipeline.run import document

    try:
        print(document(_settings(context, target=target, database=database), Display(quiet=quiet)))
    except PipelineError as error:
        _fail(error)


@task(name="serve", help={"port": "port on this machine (default 8080)"})
def docs_serve(context, port=0):
    """Serve the docs site on this machine until Ctrl-C."""
    from pipeline.docs_site import serve_docs
    from pipeline.errors import PipelineError

    if port:
        context.config.docs.port = port
    try:
        serve_docs(_settings(context))
    except PipelineError as error:
        _fail(error)


@task(help={"thorough": "the long tests too"})
def test(context, thorough=False):
    """Run every test there is: linters, dbt's unit tests, and pytest, which builds warehouses of its own."""
    from pipeline.checks import run_tests

    if code := run_tests(thorough=thorough):
        raise Exit(code=code)


@task(help={"fix": "mend what can be mended"})
def lint(context, fix=False):
    """Check the style of Python and SQL, and that dbt finds nothing deprecated."""
    from pipeline.checks import run_linters

    if code := run_linters(fix=fix):
        raise Exit(code=code)


docs = Collection("docs", docs_build, docs_serve)
namespace = Collection(run, load, publish, reset, query, simulate, test, lint, docs)
