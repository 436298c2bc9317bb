"""Run dbt in this process, so that all steps of a command share one start-up and one parse."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.console.file_faults import fault_in, file_fault, private_files
from pipeline.dbt.columns import JsonColumn
from pipeline.dbt.environment import prepare_environment
from pipeline.dbt.run_lock import RunLock
from pipeline.dbt.session import check_profile
from pipeline.errors import PipelineError
from pipeline.interrupts import stop_if_interrupted
from pipeline.settings import PROJECT_ROOT, Settings

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

ABOUT_TO_COMMIT = "about to commit under the run lock"

OnProgress = Callable[[int, int, str], None]
"""Called with the number of nodes done, their total, and the name of the last one."""


@dataclass(frozen=True)
class NodeFailure:
    """A model or test that failed.

    is_refusal is true for a test that found failing rows, false for what could not run; relation is the table with
    these rows, as schema.table.
    """

    name: str
    message: str
    is_refusal: bool
    relation: str | None


class DbtError(PipelineError):
    """A dbt command failed; failures lists the failed nodes, if it got that far. dbt's own lines are kept."""

    def __init__(self, text: str, failures: list[NodeFailure]) -> None:
        super().__init__(*text.split("\n"))
        self.failures = failures


class Dbt:
    """The project on one target. Commands share one parsed manifest.

    lock is the caller's lock on the warehouse. It is checked before each command and when a macro logs that it is about
    to commit (macros/loading/run_lock.sql).
    """

    def __init__(self, settings: Settings, manifest: Manifest | None = None, *, lock: RunLock | None = None) -> None:
        self.settings = settings
        self.lock = lock or RunLock()
        self._manifest = manifest

    @property
    def is_parsed(self) -> bool:
        return self._manifest is not None

    def parse(self) -> Manifest:
        """Read the project, reusing the last parse if it is still valid."""
        self._manifest = self._invoke(["parse"]).result
        return self._manifest

    def incremental_models(self) -> list[str]:
        """The names of the models that are built incrementally, load by load (macros/incremental)."""
        nodes = (self._manifest or self.parse()).nodes.values()
        return [
            node.name for node in nodes if (node.resource_type, node.config.materialized) == ("model", "incremental")
        ]

    def data_tests(self) -> dict[str, str]:
        """The names of all enabled data tests of the project, by ID."""
        nodes = (self._manifest or self.parse()).nodes.values()
        return {node.unique_id: node.name for node in nodes if str(node.resource_type) == "test"}

    def json_columns(self, table_name: str) -> list[JsonColumn]:
        """The columns of a landed table that come from a JSON record, in order."""
        source = (self._manifest or self.parse()).sources[f"source.sparkify.landed.{table_name}"]
        return [
            JsonColumn.of(column.name, column.data_type or "", column.config.meta)
            for column in source.columns.values()
            if "json_key" in column.config.meta
        ]

    def json_keys(self, table_name: str) -> list[str]:
        """The keys of a JSON record for which a landed table has columns, in the order of the columns."""
        return [column.json_key for column in self.json_columns(table_name)]

    def run_operation(self, macro: str, *, on_log: Callable[[str], None] = lambda _: None, **arguments: Any) -> None:
        """Run a macro. on_log is called with each line that it logs at info level, before it continues."""

        def on_event(event: Any) -> None:
            if event.info.name == "JinjaLogInfo":
                on_log(event.info.msg)

        self._command(["run-operation", macro, "--args", _as_yaml(arguments)], on_event=on_event)

    def logged_by(self, macro: str, **arguments: Any) -> str:
        """Run a macro as run_operation does and return the lines that it logs at info level."""
        lines: list[str] = []
        self.run_operation(macro, on_log=lines.append, **arguments)
        return "\n".join(lines)

    def command(self, *arguments: str, on_progress: OnProgress = lambda *_: None) -> list[Any]:
        """Run a command that works on nodes; return their results without those of hooks."""
        if arguments[0] in ("build", "seed", "test") and "--select" not in arguments:
            arguments += ("--select", "fqn:*")  # else a default in selectors.yml could leave nodes out
        results = getattr(self._command(list(arguments), on_progress), "results", None) or []
        return [
            result for result in results if getattr(result, "node", None) and result.node.resource_type != "operation"
        ]

    def _command(
        self,
        arguments: list[str],
        on_progress: OnProgress = lambda *_: None,
        on_event: Callable[[Any], None] = lambda _: None,
    ) -> Any:
        if self._manifest is None:
            self.parse()
        self.lock.check()
        return self._invoke(arguments, on_progress, on_event).result

    def _invoke(
        self,
        arguments: list[str],
        on_progress: OnProgress = lambda *_: None,
        on_event: Callable[[Any], None] = lambda _: None,
    ) -> Any:
        check_profile()
        prepare_environment(self.settings)
        from dbt.cli.main import dbtRunner

        progress = _Progress(on_progress)
        runner = dbtRunner(manifest=self._manifest, callbacks=[progress.on_event, on_event, self._on_commit])
        with private_files():
            result = runner.invoke(
                [
                    *arguments,
                    "--project-dir",
                    str(PROJECT_ROOT),
                    "--profiles-dir",
                    str(PROJECT_ROOT),
                    "--target",
                    self.settings.target,
                    "--log-level",
                    "none",
                    "--log-level-file",
                    "debug",
                ]
            )
        stop_if_interrupted()
        if not result.success:
            self.lock.check()  # a lost lock is the cause
            error = _error(arguments[0], result, progress.errors)
            raise (result.exception and file_fault(result.exception)) or fault_in(str(error)) or error
        return result

    def _on_commit(self, event: Any) -> None:
        """Check the lock. Raising here aborts the macro, so nothing is committed."""
        if event.info.name == "JinjaLogDebug" and event.info.msg.endswith(ABOUT_TO_COMMIT):
            self.lock.check()


def _as_yaml(arguments: dict[str, Any]) -> str:
    """JSON that YAML reads as the same text: to YAML some letters end a line, and some are not allowed."""
    text = json.dumps(arguments, ensure_ascii=False)
    return re.sub(r"[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]", lambda found: f"\\u{ord(found[0]):04x}", text)


class _Progress:
    """Counts finished nodes from dbt's events, which come from its worker threads."""

    def __init__(self, on_progress: OnProgress) -> None:
        self.on_progress = on_progress
        self.total = 0
        self.done = 0
        self.errors: list[str] = []

    def on_event(self, event: Any) -> None:
        if event.info.name == "LogStartLine":
            self.total = event.data.total
        elif event.info.name == "NodeFinished":
            self.done += 1
            self.on_progress(self.done, self.total, event.data.node_info.node_name)
        elif event.info.level == "error":
            self.errors.append(event.info.msg.strip())


def _error(command: str, result: Any, messages: list[str]) -> DbtError:
    failures = [
        NodeFailure(node.node.name, (node.message or "").strip(), node.status == "fail", _stored_rows(node))
        for node in getattr(result.result, "results", None) or []
        if node.status in ("error", "fail") and hasattr(node, "node")
    ]
    if failures:
        text = "\n".join(
            f"  {failure.name}: {failure.message}" + (f"; failing rows: {failure.relation}" if failure.relation else "")
            for failure in failures
        )
    else:
        text = str(result.exception or "") or "\n".join(messages) or "no reason given; see logs/dbt.log"
    return DbtError(f"dbt {command} failed.\n{text}", failures)


def _stored_rows(result: Any) -> str | None:
    relation: str | None = result.node.relation_name
    if result.status != "fail" or not relation:
        return None
    return relation.partition(".")[2].replace('"', "")
