"""The wrapper: what it says where it cannot make the environment, and that it is not felt once it could."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from pipeline.settings import PROJECT_ROOT


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The wrapper with its locks, and a folder bin/ with the few tools it may call."""
    root = tmp_path / "clone"
    (root / "bin").mkdir(parents=True)
    for name in ("inv", "requirements.lock", "requirements-dev.lock", "profiles.yml.example"):
        shutil.copy2(PROJECT_ROOT / name, root / name)
    for tool in ("sh", "dirname", "cmp", "mkdir", "date", "tail", "grep", "cp", "rm"):
        (root / "bin" / tool).symlink_to(shutil.which(tool))
    return root


def script(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def inv(clone: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [clone / "inv", *arguments],
        env={"PATH": str(clone / "bin"), "HOME": str(clone)},
        capture_output=True,
        text=True,
        check=False,
    )


def last_line(text: str) -> str:
    return text.strip().split("\n")[-1]


def test_no_python_or_an_old_one_is_said(clone: Path) -> None:
    done = inv(clone, "run")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "Python 3.11, 3.12 or 3.13 is needed" in done.stderr
    script(clone / "bin/python3", 'case "$2" in *version_info*) exit 1;; esac')
    assert "Python 3.11, 3.12 or 3.13 is needed" in inv(clone, "run").stderr


def test_a_missing_venv_module_is_said(clone: Path) -> None:
    script(clone / "bin/python3", 'case "$2" in *ensurepip*) exit 1;; esac')
    done = inv(clone, "run")
    assert done.returncode == 1
    assert last_line(done.stderr).endswith("apt install python3-venv")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("error: Failed to establish a new connection: Name or service not known", "no network"),
        ("ERROR: hashes do not match", "could not be installed: ERROR: hashes do not match"),
    ],
)
def test_what_the_installer_says_is_one_line(clone: Path, said: str, told: str) -> None:
    script(clone / "bin/python3", "exit 0")
    script(clone / ".venv/bin/pip", "exit 0")
    script(clone / ".venv/bin/python", f'echo "{said}"; exit 1')
    # Where uv is there it is asked first; what it could not do, pip may.
    script(clone / "bin/uv", 'echo "error: client error (Connect)"; exit 1')
    done = inv(clone, "run")
    assert done.returncode == 1
    assert told in last_line(done.stderr)
    assert "uv could not do it (error: client error (Connect))" in done.stderr
    assert not (clone / ".venv/made-from.lock").exists()


def test_the_environment_is_made_once_and_again_when_the_lock_changes(clone: Path) -> None:
    script(clone / "bin/python3", "exit 0")
    script(clone / "bin/uv", f'echo "$@" >>{clone}/installed')
    for name in ("python", "invoke"):
        script(clone / f".venv/bin/{name}", 'echo "called $@"')

    def installs() -> int:
        path = clone / "installed"
        return path.read_text().count("pip sync") if path.exists() else 0

    called = f"called --search-root {clone} run"
    first = inv(clone, "run", "--quiet")
    assert (first.stdout, installs()) == (f"{called} --quiet\n", 1)
    assert (clone / "profiles.yml").exists()
    second = inv(clone, "run")
    assert (second.stdout, second.stderr, installs()) == (f"{called}\n", "", 1)
    # The development tools come on first need, and are kept for other commands.
    assert (inv(clone, "test").returncode, installs()) == (0, 2)
    assert (inv(clone, "run").returncode, inv(clone, "lint").returncode, installs()) == (0, 0, 2)
    for lock in ("requirements.lock", "requirements-dev.lock"):
        with (clone / lock).open("a") as file:
            file.write("# changed\n")
    assert (inv(clone, "run").returncode, installs()) == (0, 3)
    (clone / "profiles.yml").write_text("mine")
    inv(clone, "run")
    assert (clone / "profiles.yml").read_text() == "mine"
