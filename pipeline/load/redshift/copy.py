"""The load on Redshift: merge small files if requested, write the manifest, and run COPY in one transaction."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from pipeline.console.display import Display
from pipeline.dbt.runner import Dbt, DbtError
from pipeline.errors import PipelineError, UsageError
from pipeline.load.plan import LoadPlan
from pipeline.load.redshift.compaction import Compaction, compact, remove
from pipeline.load.redshift.counts import count_records, differing, of_tables
from pipeline.load.redshift.manifest import CopyInput, Manifest, make_manifest
from pipeline.load.redshift.marks import without_marks
from pipeline.load.redshift.problems import VIEW_PAUSE_SECONDS, SourceText, explain, look_at_heads
from pipeline.load.redshift.rejects import find_rejects
from pipeline.load.redshift.text import find_flawed, without_records
from pipeline.load.rejects import CURE, BadRecordError, Reject, UncountedRecordsError, uncounted
from pipeline.settings import Settings
from pipeline.source.s3 import s3_client, s3_errors, split_uri
from pipeline.warehouse.ledger import loaded_twice
from pipeline.warehouse.warehouse import LOST_CONNECTION, Warehouse

ATTEMPTS = 3
PAUSE_SECONDS = 5
# Errors worth another try: a conflict that rolled this transaction back (1023); a lost connection; and a missing
# temporary table, because the adapter sent the statement again on a new connection.
PASSING = re.compile(
    r"^\s*1023\s*$|Serializable isolation violation|conflict with concurrent transaction|could not serialize access|"
    r'"(loading_\w+|undoing)" does not exist|' + LOST_CONNECTION.pattern,
    re.MULTILINE,
)
# After a conflict the adapter sends a COMMIT again on a new connection, where it succeeds and commits nothing.
LOST_COMMIT = "The load was rolled back: conflict with concurrent transaction."
SLICES = 8  # if the warehouse does not report them, as Serverless does not


@dataclass(frozen=True)
class _Prepared:
    """What one load sends: the manifest, and the compaction it refers to."""

    manifest: Manifest
    compaction: Compaction
    s3: Any

    def text(self, plan: LoadPlan) -> SourceText:
        return SourceText(plan.source, plan.files, self.compaction, self.s3)


def load_redshift(
    settings: Settings, plan: LoadPlan, load_id: str, dbt: Dbt, display: Display
) -> tuple[list[str], list[str]]:
    """Load the plan's files in one transaction; return warnings and the keys of files without a record.

    After a conflict or a lost connection it tries again: the transaction was either rolled back or committed, and the
    ledger shows which.

    Raises:
        PipelineError: a record cannot be loaded as it is, or AWS or the engine refused; nothing was loaded.
    """
    prepared = _prepare(settings, plan, load_id, dbt, display)
    load = _Load(settings, load_id, prepared.text(plan), dbt, display)
    if plan.check_text and (
        flawed := find_flawed(settings, prepared.manifest, load.text, dbt, plan.max_errors, display)
    ):
        root = f"s3://{settings.redshift_bucket}/manifests/{load_id}/unflawed"
        rest = without_records(load.text, flawed, root=root)
        prepared = _Prepared(_manifest(settings, plan, load_id, dbt, rest, prepared.s3), rest, prepared.s3)
        load = replace(load, text=prepared.text(plan), flawed=flawed)
    try:
        load.run(load.without(prepared.manifest), prepared.s3, load.flawed)
    except BadRecordError as refusal:
        root = f"s3://{settings.redshift_bucket}/manifests/{load_id}/unmarked"
        if unmarked := without_marks(prepared.compaction, root=root, s3=prepared.s3):
            manifest = _manifest(settings, plan, load_id, dbt, unmarked, prepared.s3)
            prepared = _Prepared(manifest, unmarked, prepared.s3)
            load = replace(load, text=prepared.text(plan))
        elif not plan.max_errors:
            raise
        load.run_again(prepared.manifest, prepared.s3, plan.max_errors, refusal, is_other_input=bool(unmarked))
    warnings, empty = look_at_heads(load.text, dbt, display)
    return _remove_parts(prepared) + warnings, empty


@dataclass(frozen=True)
class _Load:
    """Runs the load macro. flawed are rejects that its input no longer contains."""

    settings: Settings
    load_id: str
    text: SourceText
    dbt: Dbt
    display: Display
    flawed: Sequence[Reject] = ()

    def without(self, manifest: Manifest, rejects: Sequence[Reject] = ()) -> Manifest:
        """The same load without these rejects and the flawed records."""
        found = [*self.flawed, *rejects]
        return manifest.with_rejects(self.text.source, self.text.files, found) if found else manifest

    def run_again(
        self, manifest: Manifest, s3: Any, max_errors: int, refusal: BadRecordError, *, is_other_input: bool
    ) -> None:
        """Run it again after a refusal: first strictly, if the input is a different one, then without bad records."""
        if is_other_input:
            try:
                return self.run(self.without(manifest), s3, self.flawed)
            except BadRecordError as again:
                refusal = again
        if not max_errors:
            raise refusal
        rejects = find_rejects(
            self.settings, manifest, self.text, self.dbt, max_errors, self.display, flawed=self.flawed
        )
        return self.run(self.without(manifest, rejects), s3, [*self.flawed, *rejects])

    def run(self, manifest: Manifest, s3: Any, rejects: Sequence[Reject] = ()) -> None:
        """Run it; if the lines that COPY scanned do not add up, once more with the records counted in the files."""
        manifest.write(s3)
        try:
            self._run(manifest)
        except UncountedRecordsError as error:
            self.display.progress(0, 0, "counting records")
            files = count_records(self.text, rejects)
            if uncountable := next((file.problem for file in files if file.problem), None):
                raise UncountedRecordsError(
                    "A line of the source is not exactly one record; nothing was loaded.", f"  {uncountable}", CURE
                ) from error
            try:
                self._run(manifest.with_records(of_tables(files)))
            except UncountedRecordsError as again:
                raise differing(again, files, self.settings, self.load_id, self.text) from again

    def _run(self, manifest: Manifest) -> None:
        argument = {**manifest.argument, "lock_token": self.dbt.lock.token}
        for attempt in range(1, ATTEMPTS + 1):
            self.display.progress(0, 0, "COPY")
            try:
                self.dbt.run_operation("load", manifest=argument, on_log=_wait)
                if not _is_committed(self.settings, self.load_id):
                    raise DbtError(LOST_COMMIT, [])
                break
            except DbtError as error:
                if found := uncounted(error) or loaded_twice(error):
                    raise found from error
                is_passing = bool(PASSING.search(str(error)))
                if is_passing and _is_committed(self.settings, self.load_id):
                    break
                if not is_passing or attempt == ATTEMPTS:
                    raise explain(error, self.settings, self.load_id, self.text, self.dbt) from error
                self.display.warn(
                    "The connection was lost, or another transaction conflicted. Nothing was loaded; trying again."
                )
                time.sleep(PAUSE_SECONDS)


def _wait(line: str) -> None:
    """Wait when the macro asks for it, which SQL cannot, until a system view shows its COPY."""
    if line == "pause":
        time.sleep(VIEW_PAUSE_SECONDS)


def describe_load(settings: Settings, plan: LoadPlan, load_id: str, dbt: Dbt) -> list[str]:
    """The statements that a load would send. Writes nothing."""
    s3 = s3_client()
    manifest = _manifest(settings, plan, load_id, dbt, Compaction(plan.source, [], plan.files), s3)
    return dbt.logged_by("log_load", manifest=manifest.argument).split("\n")


def _prepare(settings: Settings, plan: LoadPlan, load_id: str, dbt: Dbt, display: Display) -> _Prepared:
    s3 = s3_client()
    compaction = Compaction(plan.source, [], plan.files)
    if plan.compact:
        done = 0

        def advance(count: int) -> None:
            nonlocal done
            done += count
            display.progress(done, len(plan.files), "merging small files")

        compaction = compact(
            plan.source,
            plan.files,
            bucket=settings.redshift_bucket,
            prefix="compacted",
            s3=s3,
            slices=_slices(Warehouse(settings)),
            advance=advance,
        )
    return _Prepared(_manifest(settings, plan, load_id, dbt, compaction, s3), compaction, s3)


def _remove_parts(prepared: _Prepared) -> list[str]:
    """Delete the merged files; if that fails, return a warning, since the load is committed by now."""
    try:
        remove(prepared.compaction.parts, s3=prepared.s3)
    except PipelineError as error:
        return [f"Merged files were not deleted: {error}"]
    return []


def _manifest(settings: Settings, plan: LoadPlan, load_id: str, dbt: Dbt, compaction: Compaction, s3: Any) -> Manifest:
    inputs = [CopyInput(part.table_name, part.uri, compression="gzip") for part in compaction.parts]
    inputs += [CopyInput(file.table_name, f"{plan.source}/{file.key}", file.compression) for file in compaction.passed]
    json_keys = {name: dbt.json_keys(name) for name in {file.table_name for file in plan.files}}
    region = _region(settings, plan.source, s3)
    return make_manifest(
        settings, plan.source, plan.files, inputs, load_id, json_keys, region, replaces=bool(plan.replaced)
    )


def _region(settings: Settings, source: str, s3: Any) -> str:
    """The region of the source, from which COPY also reads the manifest."""
    regions: dict[str, str] = {}
    for bucket in (split_uri(source)[0], settings.redshift_bucket):
        with s3_errors(f"s3://{bucket}"):
            headers = s3.head_bucket(Bucket=bucket)["ResponseMetadata"]["HTTPHeaders"]
        regions[bucket] = headers.get("x-amz-bucket-region", s3.meta.region_name)
    if len(set(regions.values())) > 1:
        places = " and ".join(f"{bucket} in {region}" for bucket, region in regions.items())
        raise UsageError(
            f"COPY needs the data and its manifest in one region, but they are in two: {places}. Set redshift.bucket "
            "to a bucket of your own in the source's region."
        )
    return regions[settings.redshift_bucket]


def _slices(warehouse: Warehouse) -> int:
    try:
        return warehouse.count("select count(*) from stv_slices") or SLICES
    except PipelineError:
        return SLICES


def _is_committed(settings: Settings, load_id: str) -> bool:
    warehouse = Warehouse(settings)
    ledger = f"{warehouse.schema('staging')}.load_history"
    return warehouse.count(f"select count(*) from {ledger} where load_id = '{load_id}'") > 0
