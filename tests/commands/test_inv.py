"""The wrapper: it makes .venv and touches nothing else, wherever it lies and whatever the machine is set to."""

from __future__ import annotations

import os
import re
import select
import shutil
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from package_index import ODD_NAME, Clone, Index, wheel

from pipeline.settings import PROJECT_ROOT
from redshift_stand_in.certificate import make_certificate

PYTHON = getattr(sys, "_base_executable", sys.executable)
INSTALLERS = ("uv", "pip")

# What says where or with what to install, as it is set for other projects: variables, and lines of configuration files.
# {other} is an environment of somebody else's, {folder} a folder.
HOSTILE: dict[str, dict[str, str]] = {
    "another environment for uv": {"UV_PYTHON": "{other}/bin/python"},
    "the machine's Python": {"UV_SYSTEM_PYTHON": "1", "UV_BREAK_SYSTEM_PACKAGES": "1"},
    "another project": {"UV_PROJECT_ENVIRONMENT": "{other}", "UV_WORKING_DIR": "{folder}", "UV_PROJECT": "{folder}"},
    "an active environment": {"VIRTUAL_ENV": "{other}", "CONDA_PREFIX": "{other}", "CONDA_DEFAULT_ENV": "other"},
    "constraints": {"UV_CONSTRAINT": "{folder}/constraints.txt", "PIP_CONSTRAINT": "{folder}/constraints.txt"},
    "overrides": {"UV_OVERRIDE": "{folder}/constraints.txt", "UV_EXCLUDE": "{folder}/constraints.txt"},
    "no newer than": {"UV_EXCLUDE_NEWER": "2001-01-01", "PIP_UPLOADED_PRIOR_TO": "2001-01-01"},
    "from sources": {"UV_NO_BINARY": "1", "PIP_NO_BINARY": ":all:"},
    "for the user": {"PIP_USER": "1", "PYTHONUSERBASE": "{folder}/user"},
    "a target": {"PIP_TARGET": "{folder}/target"},
    "a prefix": {"PIP_PREFIX": "{folder}/prefix"},
    "a root": {"PIP_ROOT": "{folder}/root"},
    "only in an environment": {"PIP_REQUIRE_VIRTUALENV": "1", "PIP_PYTHON": "{other}/bin/python"},
    "dry": {"PIP_DRY_RUN": "1", "PIP_REPORT": "{folder}/report.json", "PIP_LOG": "{folder}/pip.log"},
    "another Python's modules": {"PYTHONPATH": "{folder}/modules", "PYTHONSAFEPATH": "1"},
    "another Python's home": {"PYTHONHOME": "{other}"},
    "uv.toml": {"uv.toml": 'exclude-newer = "2001-01-01"\nno-binary = true\n'},
    "uv.toml's pip": {"uv.toml": '[pip]\nsystem = true\nbreak-system-packages = true\ntarget = "{folder}/target"\n'},
    "pip.conf": {"pip.conf": "[install]\nuser = true\ntarget = {folder}/target\n[global]\nno-binary = :all:\n"},
    "pip.conf's constraints": {
        "pip.conf": "[global]\nconstraint = {folder}/constraints.txt\nlog = {folder}/pip.log\nuser = true\n"
    },
}
EVERYTHING = "everything at once"


@pytest.fixture(scope="session")
def uv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if found := shutil.which("uv"):
        return Path(found)
    folder = tmp_path_factory.mktemp("uv")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder), "uv"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "bin" / "uv"


@pytest.fixture
def index() -> Iterator[Index]:
    with Index() as started:
        yield started


@pytest.fixture(params=INSTALLERS)
def clone(request: pytest.FixtureRequest, tmp_path: Path, index: Index) -> Clone:
    """A clone that nobody has used, on a machine with uv or without."""
    uv = request.getfixturevalue("uv") if request.param == "uv" else None
    return Clone(tmp_path / "clone", index, uv=uv, python=PYTHON)


@pytest.fixture
def simple_clone(tmp_path: Path, index: Index) -> Clone:
    return Clone(tmp_path / "clone", index, uv=None, python=PYTHON)


def last_line(text: str) -> str:
    return text.strip().split("\n")[-1]


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """An environment of somebody else's, with a package in it."""
    folder = tmp_path / "other"
    subprocess.run([PYTHON, "-m", "venv", "--without-pip", str(folder)], check=True)
    packages = next(folder.glob("lib/*/site-packages"))
    (packages / "precious.py").touch()
    info = packages / "precious-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: precious\nVersion: 1.0\n")
    (info / "RECORD").write_text("precious.py,,\nprecious-1.0.dist-info/METADATA,,\n")
    (info / "INSTALLER").write_text("pip\n")
    return folder


def contents(*folders: Path) -> set[tuple[str, int]]:
    return {(str(path), path.lstat().st_mtime_ns) for folder in folders for path in folder.rglob("*")}


def settings(names: list[str], other: Path, folder: Path, home: Path, index: Index) -> dict[str, str]:
    """Set a machine up as these names say; return the variables. Only the configuration files name the index."""
    folder.mkdir()
    (folder / "modules").mkdir()
    (folder / "modules" / "tiny.py").write_text("raise SystemExit('the wrong tiny')")
    (folder / "constraints.txt").write_text("tiny==7.0\n")
    variables: dict[str, str] = {}
    files = {"uv.toml": f'index-url = "{index.url}"\n', "pip.conf": f"[global]\nindex-url = {index.url}\n"}
    for name in names:
        for key, value in HOSTILE[name].items():
            text = value.format(other=other, folder=folder)
            if key in files:
                files[key] += text.replace("[global]\n", "") if files[key].endswith(f"{index.url}\n") else f"{text}"
            else:
                variables[key] = text
    for name, text in files.items():
        place = home / ".config" / name.partition(".")[0] / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    return variables


@pytest.mark.parametrize("hostile", [EVERYTHING, *(pytest.param(name, marks=pytest.mark.thorough) for name in HOSTILE)])
@pytest.mark.parametrize("installer", INSTALLERS)
def test_nothing_but_the_projects_environment_changes(
    hostile: str, installer: str, request: pytest.FixtureRequest, tmp_path: Path, index: Index, other: Path
) -> None:
    uv = request.getfixturevalue("uv") if installer == "uv" else None
    clone = Clone(tmp_path / ODD_NAME, index, uv=uv, python=PYTHON)
    for name in ("PIP_INDEX_URL", "UV_DEFAULT_INDEX"):
        del clone.environment[name]
    names = [hostile]
    if hostile == EVERYTHING:
        names = [name for name in HOSTILE if not name.startswith(("uv.toml", "pip.conf"))]
        names += ["uv.toml's pip", "pip.conf"]
    folder = tmp_path / "folder"
    variables = settings(names, other, folder, clone.home, index)
    outside = (other, folder, Path(PYTHON).resolve().parent.parent / "lib")
    before = contents(*outside)
    done = clone.inv("run", **variables)
    assert done.returncode == 0, done.stderr
    assert f"with {installer}" in done.stderr
    assert "could not" not in done.stderr
    assert f"with {clone.root}/.venv/lib/" in done.stdout
    assert contents(*outside) == before
    assert not (clone.home / ".local/lib").exists()
    # The scripts and `activate` work in a folder of any name.
    activated = '. "$1/.venv/bin/activate" && tiny-script && echo "$VIRTUAL_ENV"'
    said = subprocess.run(["sh", "-c", activated, "sh", str(clone.root)], capture_output=True, text=True, check=False)
    assert said.stdout == f"tiny here\n{clone.root}/.venv\n", said.stderr


@pytest.mark.thorough
@pytest.mark.parametrize("installer", INSTALLERS)
def test_the_whole_project_runs_from_a_folder_with_an_odd_name(
    installer: str, request: pytest.FixtureRequest, tmp_path: Path, template: Path, other: Path
) -> None:
    root = Path(shutil.copytree(template, tmp_path / ODD_NAME))
    uv = request.getfixturevalue("uv") if installer == "uv" else None
    kept = ("SSL_CERT_FILE", "SSL_CERT_DIR", "PIP_CERT", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "HOME")
    environment = {
        **{name: os.environ[name] for name in kept if name in os.environ},
        "PATH": f"{uv.parent if uv else ''}:/usr/bin:/bin",
        "PYTHON": PYTHON,
        **{key: value.format(other=other, folder=tmp_path) for name in HOSTILE for key, value in HOSTILE[name].items()},
    }
    before = contents(other)
    for arguments in (("run", "-q"), ("query", "select count(*) > 0 from songplays", "--csv")):
        done = subprocess.run([root / "inv", *arguments], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("true\n")
    assert contents(other) == before


def test_the_environment_is_made_once_and_again_when_the_lock_changes(clone: Clone) -> None:
    first = clone.inv("run", "--quiet")
    assert first.stdout.startswith("ran run --quiet with"), first.stderr
    assert (clone.root / "profiles.yml").exists()
    assert (clone.inv("run").stderr, clone.packages) == ("", {"tiny"})
    # The development tools come on first need, which help is not, and are kept for other commands.
    for arguments in (("test", "--help"), ("lint", "-h"), ("help", "test"), ("--help", "test")):
        assert (clone.inv(*arguments).stderr, clone.packages) == ("", {"tiny"})
    assert (clone.inv("test").returncode, clone.packages) == (0, {"tiny", "tinydev"})
    assert (clone.inv("run").stderr, clone.inv("lint").stderr) == ("", "")
    for lock in ("requirements.lock", "requirements-dev.lock"):
        with (clone.root / lock).open("a") as file:
            file.write("# changed\n")
    assert ("is ready" in clone.inv("run").stderr, clone.packages) == (True, {"tiny", "tinydev"})
    (clone.root / "profiles.yml").write_text("mine")
    clone.inv("run")
    assert (clone.root / "profiles.yml").read_text() == "mine"


def test_help_needs_no_environment(simple_clone: Clone) -> None:
    (simple_clone.root / "docs").mkdir()
    shutil.copy2(PROJECT_ROOT / "docs/help.txt", simple_clone.root / "docs")
    for arguments in (("test", "--help"), ("-h", "test"), ("help", "test")):
        assert simple_clone.inv(*arguments).stdout.startswith("Usage: ./inv test [options]")
    for arguments in ((), ("help",), ("--help",)):
        assert "infra.up" in simple_clone.inv(*arguments).stdout
    assert not (simple_clone.root / ".venv").exists()


def test_a_project_that_was_moved_or_copied_gets_an_environment_of_its_own(clone: Clone, tmp_path: Path) -> None:
    assert clone.inv("run").returncode == 0
    copy = Path(shutil.copytree(clone.root, tmp_path / "copy", symlinks=True))
    done = clone.inv("run", through=copy / "inv")
    assert f"with {copy}/.venv/lib/" in done.stdout, done.stderr
    assert f"with {clone.root}/.venv/lib/" in clone.inv("run").stdout
    clone.root.rename(tmp_path / "moved")
    done = clone.inv("run", through=tmp_path / "moved" / "inv")
    assert f"with {tmp_path}/moved/.venv/lib/" in done.stdout, done.stderr
    script = subprocess.run([tmp_path / "moved/.venv/bin/tiny-script"], capture_output=True, text=True, check=False)
    assert script.stdout == "tiny here\n"


@pytest.mark.parametrize("damage", ["no Python", "another Python", "half of it is gone", "it is a link"])
def test_an_environment_that_does_not_work_is_made_anew(damage: str, simple_clone: Clone, tmp_path: Path) -> None:
    assert simple_clone.inv("run").returncode == 0
    environment = simple_clone.root / ".venv"
    if damage == "no Python":
        (environment / "bin/python").unlink()
        (environment / "bin/python").symlink_to("/nowhere/python3.11")
    elif damage == "another Python":
        made_for = environment / "made-for"
        made_for.write_text(f"{simple_clone.root}\nPython 3.10\n")
    elif damage == "half of it is gone":
        (environment / "made-for").unlink()
        next(environment.glob("lib/*/site-packages/tiny.py")).unlink()
    else:
        environment.rename(tmp_path / "elsewhere")
        environment.symlink_to(tmp_path / "elsewhere")
        (tmp_path / "elsewhere" / "made-for").write_text("of another project\n")
    done = simple_clone.inv("run")
    assert done.stdout.startswith("ran run with"), done.stderr
    assert (tmp_path / "elsewhere").exists() == (damage == "it is a link")
    assert simple_clone.inv("run").stderr == ""


def test_a_link_leads_to_the_project(simple_clone: Clone, tmp_path: Path) -> None:
    links = tmp_path / "links"
    links.mkdir()
    (links / "first").symlink_to(os.path.relpath(simple_clone.root / "inv", links))
    (links / "second").symlink_to("first")
    assert f"with {simple_clone.root}/.venv" in simple_clone.inv("run", through=links / "second").stdout


def test_a_checkout_of_windows_has_the_line_ends_that_a_shell_reads(simple_clone: Clone, tmp_path: Path) -> None:
    shutil.copy2(PROJECT_ROOT / ".gitattributes", simple_clone.root)
    git = ["git", "-c", "core.autocrlf=true", "-c", "user.name=a", "-c", "user.email=a@example.com", "-C"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "all"]):
        subprocess.run([*git, str(simple_clone.root), *arguments], check=True)
    checkout = tmp_path / "checkout"
    subprocess.run([*git, str(tmp_path), "clone", "-q", str(simple_clone.root), str(checkout)], check=True)
    assert b"\r" not in (checkout / "tasks.py").read_bytes()
    assert simple_clone.inv("run", through=checkout / "inv").returncode == 0


def test_installing_shows_on_a_terminal_that_it_is_alive(simple_clone: Clone, index: Index) -> None:
    index.before_answer = lambda path: time.sleep(3 if path.endswith(".whl") else 0)
    terminal, end = os.openpty()
    process = subprocess.Popen(
        [simple_clone.root / "inv", "run"],
        env={**simple_clone.environment, "TERM": "xterm"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=end,
    )
    os.close(end)
    said = b""
    while process.poll() is None:
        if select.select([terminal], [], [], 1)[0]:
            with suppress(OSError):  # its other end was closed
                said += os.read(terminal, 1000)
    os.close(terminal)
    assert len(re.findall(rb"\r +\d+ s", said)) > 1, said


def test_two_at_once_make_one_environment(simple_clone: Clone, index: Index) -> None:
    index.before_answer = lambda _path: time.sleep(1)
    both = [simple_clone.start("run") for _ in range(2)]
    said = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert index.served == ["tiny"]
    assert sum("waiting for it" in err for _, err in said) == 1


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_stopped_in_the_middle_it_leaves_no_process_and_the_next_call_repairs(
    number: signal.Signals, code: int, clone: Clone, index: Index
) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def hang(path: str) -> None:
        if path.endswith(".whl"):
            asked.set()
            go_on.wait(60)

    index.before_answer = hang
    process = clone.start("run")
    assert asked.wait(60)
    process.send_signal(number)
    process.wait(timeout=60)
    go_on.set()
    _, err = process.communicate(timeout=60)
    assert (process.returncode, "Traceback" in err) == (code, False), err
    if number != signal.SIGKILL:  # after which the next call waits for what goes on
        running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
        assert str(clone.root) not in running
    done = clone.inv("run")
    assert done.stdout.startswith("ran run with"), done.stderr


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        ("no index", "cannot be reached"),
        ("another file", "does not match the lock file"),
        ("no such package", "lacks a package"),
        ("a password", "refused the credentials"),
        ("a proxy", "the proxy refused"),
        ("a certificate", "certificate is not trusted"),
        ("no room", "disk is full"),
    ],
)
def test_why_nothing_could_be_installed_is_said(
    cause: str, said: str, clone: Clone, index: Index, tmp_path: Path
) -> None:
    environment = {}
    if cause == "no index":
        environment = {"PIP_INDEX_URL": "http://127.0.0.1:1/simple", "UV_DEFAULT_INDEX": "http://127.0.0.1:1/simple"}
    elif cause == "another file":
        index.wheels["tiny"] = wheel("tiny", text="changed on the way")
    elif cause == "no such package":
        del index.wheels["tiny"]
    elif cause == "a password":
        index.before_answer = lambda _path: 401
    elif cause == "a proxy":
        index.before_answer = lambda _path: 403
        there = index.url.removesuffix("/simple")
        place = "https://packages.example/simple"
        environment = {"HTTPS_PROXY": there, "PIP_INDEX_URL": place, "UV_DEFAULT_INDEX": place}
    elif cause == "a certificate":
        context, _ = make_certificate(tmp_path)
        assert isinstance(context, ssl.SSLContext)
        with Index(context) as secure:
            done = clone.inv("run", PIP_INDEX_URL=secure.url, UV_DEFAULT_INDEX=secure.url)
    elif cause == "no room":
        full = tmp_path / "full"
        full.write_text(f'#!/bin/sh\nulimit -f 4\nexec "{clone.root}/inv" "$@"\n')
        full.chmod(0o755)
        done = clone.inv("run", through=full)
    if cause not in ("a certificate", "no room"):
        done = clone.inv("run", **environment)
    assert (done.returncode, "Traceback" in done.stderr) == (5, False), done.stderr
    assert said in last_line(done.stderr)
    if clone.uv and cause != "no room":
        assert done.stderr.count(said) == 2, done.stderr  # by uv, and by pip, which is tried then
    index.before_answer = lambda _path: None
    index.wheels = Index().wheels
    assert clone.inv("run").returncode == 0


def test_no_python_or_an_old_one_is_said(simple_clone: Clone) -> None:
    tools = simple_clone.home / "tools"
    tools.mkdir()
    for tool in ("sh", "dirname", "readlink", "cmp", "grep"):
        (tools / tool).symlink_to(shutil.which(tool))
    done = simple_clone.inv("run", PATH=str(tools), PYTHON="")
    assert (done.returncode, done.stderr.count("\n")) == (5, 1)
    assert "Python 3.11, 3.12 or 3.13 is needed" in done.stderr
    (tools / "python3").write_text("#!/bin/sh\nexit 0\n")  # prints nothing, as one that is too old
    (tools / "python3").chmod(0o755)
    assert "Python 3.11, 3.12 or 3.13 is needed" in simple_clone.inv("run", PATH=str(tools), PYTHON="").stderr
