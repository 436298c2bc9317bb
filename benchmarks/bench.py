"""Compare the warehouse with a hand-written script in the same run, and print the table for figures.md.

python benchmarks/bench.py [--events 1000000] [--songs 15000] [--rounds 3], in the project's environment.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SIMULATED = 5_000_000
INVOKE = [sys.executable, "-m", "invoke"]


@dataclass(frozen=True)
class Measure:
    """One command's wall-clock seconds, peak memory in MB, and output."""

    seconds: float
    megabytes: float
    output: str


def measure(*command: str) -> Measure:
    with tempfile.TemporaryFile("w+") as output:
        began = time.perf_counter()
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.DEVNULL)  # noqa: S603
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        if status:
            raise SystemExit(f"{' '.join(command)} failed")
        output.seek(0)
        return Measure(seconds, usage.ru_maxrss / 1024, output.read())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("events", 1_000_000), ("songs", 15_000), ("users", 10_000), ("rounds", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    sizes = [f"--{name}={getattr(options, name)}" for name in ("events", "songs", "users")]
    rounds: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(options.rounds):
            print(f"round {number + 1} of {options.rounds} …", file=sys.stderr)
            rounds.append(one_round(folder, folder / str(number), sizes))
    print(f"{options.events:,} events, {options.songs:,} song files, {options.rounds} rounds; {os.cpu_count()} cores,")
    print(f"Python {platform.python_version()}. The simulator is timed with {SIMULATED:,} events and 100 song files.\n")
    print("| figure | median | range |\n|---|---|---|")
    for figure in rounds[0]:
        values = [measured[figure] for measured in rounds]
        print(f"| {figure} | {statistics.median(values):,.2f} | {min(values):,.2f} to {max(values):,.2f} |")


def one_round(shared: Path, folder: Path, sizes: list[str]) -> dict[str, float]:
    """The figures of one round. The commands of a ratio run right after each other, under the same load."""
    folder.mkdir()
    many = str(folder / "many")
    simulate = measure(*INVOKE, "simulate", "-q", many, f"--events={SIMULATED}", "--songs=100", "--days=100")
    shutil.rmtree(many)
    source = shared / "source"
    if not source.exists():
        measure(*INVOKE, "simulate", "-q", str(source), *sizes)
    last_day = max((source / "log_data").rglob("*.json"))
    kept = last_day.rename(folder / last_day.name)
    by_hand = measure(sys.executable, "benchmarks/by_hand.py", str(source), str(folder / "by_hand.duckdb"))
    flags = ["--source", str(source), "--database", str(folder / "bench.duckdb")]
    run = measure(*INVOKE, "run", "--json", *flags)
    first = load_and_build(run)
    kept.rename(last_day)
    day = load_and_build(measure(*INVOKE, "run", "--json", *flags))
    by_hand_again = measure(sys.executable, "benchmarks/by_hand.py", str(source), str(folder / "again.duckdb"))
    again = measure(*INVOKE, "run", "-q", *flags)
    measure(str(Path(sys.executable).with_name("dbt")), "parse", "-q")
    parse = measure(str(Path(sys.executable).with_name("dbt")), "parse", "-q")
    return {
        "simulate, events per second": SIMULATED / simulate.seconds,
        "hand-written script, s": by_hand.seconds,
        "run, load and build, s": first,
        "whole run, s": run.seconds,
        "load and build / hand-written script": first / by_hand.seconds,
        "one more day, load and build, s": day,
        "one more day / first run": day / first,
        "one more day / hand-written script, which rebuilds everything": day / by_hand_again.seconds,
        "peak memory of run / hand-written script": run.megabytes / by_hand.megabytes,
        "peak memory of run, MB": run.megabytes,
        "run without new files, s": again.seconds,
        "run without new files / warm dbt parse": again.seconds / parse.seconds,
    }


def load_and_build(run: Measure) -> float:
    seconds = json.loads(run.output)["seconds"]
    return seconds["load"] + seconds["build"]


if __name__ == "__main__":
    main()
