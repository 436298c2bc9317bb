"""Metrics as MetricFlow answers them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from projects import Project, clean_environment


def ask(project: Project, *questions: tuple[list[str], list[str]]) -> list[list[dict[str, Any]]]:
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("ask_metrics.py"))],
        cwd=project.root,
        env=clean_environment(),
        input=json.dumps(questions),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.rpartition("ANSWERS")[2])
