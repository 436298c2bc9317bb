"""Create .venv from a lock file. ./inv runs this with any Python from 3.11 on, so it uses the standard library only.

Nothing outside .venv changes. uv's and pip's settings for where packages come from (index, proxy, certificates) are
used; those for where and how to install belong to other projects and are ignored.
"""

from __future__ import annotations

import ast
import fcntl
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "made-for"
STATE = ROOT / ".sparkify"
LOG = STATE / "setup.log"
ENVIRONMENT_CODE = 5  # pipeline/errors.py has all of them

UV_VARIABLES = re.compile(
    r"UV_(INDEX\w*|DEFAULT_INDEX|EXTRA_INDEX_URL|FIND_LINKS|NO_INDEX|KEYRING_PROVIDER|INSECURE_HOST|NATIVE_TLS|"
    r"SYSTEM_CERTS|OFFLINE|CACHE_DIR|NO_CACHE|HTTP_\w+|REQUEST_TIMEOUT|CONCURRENT_\w+|LINK_MODE|CREDENTIALS_DIR|"
    r"\w+_ENDPOINT_URL)"
)
UV_KEYS = frozenset(
    "index index-url extra-index-url find-links no-index index-strategy keyring-provider allow-insecure-host "
    "trusted-host native-tls system-certs offline cache-dir no-cache link-mode concurrent-downloads http-proxy "
    "https-proxy no-proxy".split()
)
PIP_KEYS = frozenset(
    "index-url extra-index-url find-links no-index proxy cert client-cert trusted-host timeout default-timeout retries "
    "resume-retries cache-dir no-cache-dir keyring-provider".split()
)
OTHERS = re.compile(r"(UV|PIP|PYTHON|CONDA)_?\w*|VIRTUAL_ENV|__PYVENV_LAUNCHER__")

# Patterns in a failed installer's log, and what they mean; the first match wins.
CAUSES = (
    (
        r"No space left on device|os error 2[78]|Disk quota exceeded|File too large",
        "the disk is full. Free some space and run this again",
    ),
    (
        r"Permission denied|Read-only file system|os error (13|30)\b",
        "files in .venv or in the package cache are not writable. Make them writable and run this again",
    ),
    (
        r"DO NOT MATCH THE HASHES|[Hh]ash mismatch|hashes are required",
        "a package does not match the lock file. Clear the installer's cache, or use another package index",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED|UnknownIssuer|invalid peer certificate|certificate verify failed|SSLError",
        "the package index's certificate is not trusted. Behind a proxy, set its certificates: SSL_CERT_FILE for uv, "
        "PIP_CERT for pip",
    ),
    (
        r"ProxyError|[Tt]unnel connection failed|tunnel error|unsuccessful",
        "the proxy refused the connection. Check HTTPS_PROXY",
    ),
    (
        r"NewConnectionError|Failed to establish|name resolution|Name or service not known|nodename nor servname|"
        r"Connection (refused|reset|aborted)|[Nn]etwork is unreachable|[Tt]imed out|ConnectTimeout|dns error|"
        r"client error \(Connect\)|error sending request|Remote end closed|too many 5\d\d error",
        "the package index cannot be reached. Check the network and the index configured for uv or pip",
    ),
    (
        r"\b(401|403)\b.*(Unauthorized|Forbidden|Client Error|status)|status code.*\b(401|403)\b",
        "the package index refused the credentials or requires some. Set them for uv or pip",
    ),
    (
        r"No matching distribution|No solution found|no wheels? with a matching|not a supported wheel|"
        r"was not found in the (package registry|provided package locations)",
        "the package index lacks a package in the locked version, or has no build of it for this Python and system",
    ),
    (
        r"Failed to build|error: command .*(gcc|cc|clang)|Failed building wheel",
        "a package has no wheel for this Python and system, and could not be compiled",
    ),
)


_TELLING = re.compile(
    "error|could not|cannot|caused by|fail|mismatch|match|warning|denied|space|invalid|refused|no solution",
    re.IGNORECASE,
)


class SetupError(Exception):
    """.venv could not be created; the text says why and what to do."""


def main(lock_name: str, arguments: list[str]) -> NoReturn:
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    STATE.mkdir(mode=0o700, exist_ok=True)
    with _setup_lock() as is_first:
        if is_first:
            make(lock_name)
            os.environ["INV_MADE_ENVIRONMENT"] = "1"
    inv = str(ROOT / "inv")
    os.execv("/bin/sh", ["/bin/sh", inv, *arguments])  # noqa: S606


def make(lock_name: str) -> None:
    """Make .venv match the lock file. If this is interrupted, the next call starts over with an empty .venv."""
    began = time.monotonic()
    if (VENV / "made-from-dev.lock").exists():  # once installed, the development tools stay
        lock_name = "requirements-dev.lock"
    minor = f"Python {sys.version_info[0]}.{sys.version_info[1]}"
    if not _is_sound():
        if VENV.is_symlink():
            VENV.unlink()
        elif VENV.exists():
            shutil.rmtree(VENV)
    else:
        minor = STAMP.read_text(encoding="utf-8").splitlines()[1]
    STAMP.unlink(missing_ok=True)
    LOG.write_bytes(b"")
    if not PYTHON.exists() and _call([sys.executable, "-I", "-m", "venv", "--without-pip", str(VENV)]):
        raise SetupError(f".venv could not be created: {_reason()}.")
    uv = shutil.which("uv")
    if not (uv and _install_with_uv(uv, lock_name)):
        _install_with_pip(lock_name)
    _quote_scripts()
    for name in ("made-from.lock", "made-from-dev.lock"):
        (VENV / name).unlink(missing_ok=True)
    is_dev = lock_name == "requirements-dev.lock"
    shutil.copyfile(ROOT / lock_name, VENV / ("made-from-dev.lock" if is_dev else "made-from.lock"))
    STAMP.write_text(f"{ROOT}\n{minor}\n", encoding="utf-8")
    _say(f".venv is ready after {time.monotonic() - began:.0f} s.")


def _is_sound() -> bool:
    """Whether .venv is complete, was created for this folder, and still has the Python it was created with."""
    try:
        place, minor = STAMP.read_text(encoding="utf-8").splitlines()
        found = subprocess.run([PYTHON, "-I", "-V"], capture_output=True, text=True, check=True).stdout  # noqa: S603
    except (OSError, ValueError, subprocess.CalledProcessError):
        return False
    return place == str(ROOT) and found.startswith(f"{minor}.") and not VENV.is_symlink()


def _install_with_uv(uv: str, lock_name: str) -> bool:
    config = STATE / "uv.toml"
    config.write_text(_uv_config(), encoding="utf-8")
    sync = [uv, "pip", "sync", "--config-file", str(config), "--python", str(PYTHON), "--require-hashes", "--quiet"]
    if _call([*sync, lock_name], f"installing {lock_name} into .venv with uv …"):
        _say(f"uv could not install the packages: {_reason()}. Trying pip.")
        return False
    return True


def _install_with_pip(lock_name: str) -> None:
    begin = LOG.stat().st_size
    pip = [str(PYTHON), "-I", "-m", "pip"]
    if _call([*pip, "--version"]) and _call([str(PYTHON), "-I", "-m", "ensurepip", "--default-pip"]):
        version = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        raise SetupError(
            f"pip could not be installed in .venv: {_reason(begin)}. On Debian or Ubuntu, run: apt install {version}"
        )
    environment = {**_environment(), **_pip_config(pip), "PIP_CONFIG_FILE": os.devnull}
    options = "--no-input --no-color --disable-pip-version-check --no-deps --require-hashes -r".split()
    text = f"installing {lock_name} into .venv with pip; this takes a minute or two …"
    install = [*pip, "install", *options, lock_name]
    # pip explains an index error only in its most verbose mode, which logs megabytes, so that runs second.
    if _call([*install, "--quiet"], text, environment) and _call([*install, "-vv", "--retries=0"], "", environment):
        raise SetupError(
            f"The packages of {lock_name} could not be installed: {_reason(begin)}. See {LOG} for details."
        )


def _environment() -> dict[str, str]:
    """This process's environment without variables that would make an installer install elsewhere."""
    pip = {f"PIP_{key.upper().replace('-', '_')}" for key in PIP_KEYS}
    return {
        name: value
        for name, value in os.environ.items()
        if UV_VARIABLES.fullmatch(name) or name in pip or not OTHERS.fullmatch(name)
    }


def _pip_config(pip: list[str]) -> dict[str, str]:
    """Where packages come from by pip's configuration files, as variables for a pip call that ignores those files."""
    environment = _environment() | {name: os.environ[name] for name in ("PIP_CONFIG_FILE",) if name in os.environ}
    command = [*pip, "--log", os.devnull, "config", "list"]
    listed = subprocess.run(command, env=environment, capture_output=True, text=True, check=False).stdout  # noqa: S603
    found = {}
    for section in ("global", "install"):  # the second overrides the first
        for key, value in re.findall(rf"^{section}\.([\w-]+)=(.+)$", listed, re.M):
            name = f"PIP_{key.upper().replace('-', '_')}"
            if key in PIP_KEYS and name not in os.environ:
                found[name] = str(ast.literal_eval(value))
    return found


def _uv_config() -> str:
    """Where packages come from by uv's configuration files, as the text of one file."""
    top: dict[str, Any] = {}
    pip: dict[str, Any] = {}
    for path in _uv_files():
        try:
            found = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if path.name == "pyproject.toml":
            found = found.get("tool", {}).get("uv", {})
        for known, table in ((top, found), (pip, found.get("pip", {}))):
            for key, value in table.items():
                if key in UV_KEYS and isinstance(value, list):
                    known[key] = [*known.get(key, []), *(_absolute(item, path.parent) for item in value)]
                elif key in UV_KEYS:
                    known.setdefault(key, value)
    lines = [f"{key} = {_toml(value)}" for key, value in top.items()]
    return "\n".join([*lines, "[pip]", *(f"{key} = {_toml(value)}" for key, value in pip.items()), ""])


def _uv_files() -> list[Path]:
    """uv's configuration files, in order of precedence."""
    if "UV_NO_CONFIG" in os.environ:
        return []
    if named := os.environ.get("UV_CONFIG_FILE"):
        return [Path(named)]
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    system = [Path(folder, "uv/uv.toml") for folder in os.environ.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":")]
    around = [folder / name for folder in (ROOT, *ROOT.parents) for name in ("uv.toml", "pyproject.toml")]
    return [*around, home / "uv" / "uv.toml", *system, Path("/etc/uv/uv.toml")]


def _absolute(item: Any, folder: Path) -> Any:
    """A relative path in a configuration file is relative to that file."""
    is_path = isinstance(item, str) and "://" not in item and item.startswith(".")
    return str(folder / item) if is_path else item


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _call(command: list[str], text: str = "", environment: dict[str, str] | None = None) -> int:
    """Run a command with its output in the log, showing that it is alive; return its exit code."""
    if text:
        _say(text)
    with LOG.open("ab") as log:
        process = subprocess.Popen(  # noqa: S603
            command,
            cwd=ROOT,
            env=environment or _environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # so that it can be stopped as a group with its children
            close_fds=False,  # it inherits the lock of _setup_lock and keeps it if this process is killed
        )
    began = time.monotonic()
    is_shown = bool(text) and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    try:
        while True:
            try:
                return process.wait(timeout=1)
            except subprocess.TimeoutExpired:
                if is_shown:
                    print(f"\r     {time.monotonic() - began:.0f} s", end="", file=sys.stderr, flush=True)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    finally:
        if is_shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _reason(begin: int = 0) -> str:
    """What went wrong, from the log after begin: a known cause, else the last line about an error."""
    said = LOG.read_bytes()[begin:].decode(errors="replace")
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    telling = [line for line in lines if _TELLING.search(line)] or lines[-1:] or ["no reason given"]
    text = "\n".join(telling)
    named = re.search(
        r"(?:No matching distribution found for|Failed to (?:download|build)|Hash mismatch for) (\S+)", text
    )
    for pattern, cause in CAUSES:
        if re.search(pattern, text):
            return cause + (f" ({named[1].strip('`')})" if named else "")
    return telling[-1].rstrip(".")


def _quote_scripts() -> None:
    """Quote the paths in .venv's scripts if they have one of $`"\\, which pip, uv and venv leave unquoted."""
    if not re.search(r"[$`\"\\]", str(VENV)):
        return
    start = f"#!/bin/sh\n'''exec' {shlex.quote(str(PYTHON))} \"$0\" \"$@\"\n' '''\n".encode()
    header = re.compile(rb"\A#!(?:/bin/sh\n'''exec' .*\n' '''|.*python[\d.]*\"?)\n")
    for path in (VENV / "bin").iterdir():
        if path.is_file() and not path.is_symlink():
            text = path.read_bytes()
            if found := header.match(text):
                path.write_bytes(start + text[found.end() :])
    activate = VENV / "bin" / "activate"
    fitted = re.sub(
        r"^(\s*(?:export )?VIRTUAL_ENV=)(?!\$\().+$",
        lambda found: found[1] + shlex.quote(str(VENV)),
        activate.read_text(encoding="utf-8"),
        flags=re.M,
    )
    activate.write_text(fitted, encoding="utf-8")


@contextmanager
def _setup_lock() -> Iterator[bool]:
    """Hold the lock for creating .venv; False if another ./inv held it first and may have created .venv."""
    with (STATE / "setup.lock").open("a") as file:
        os.set_inheritable(file.fileno(), True)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_first = True
        except BlockingIOError:
            _say("another ./inv is creating .venv; waiting for it …")
            fcntl.flock(file, fcntl.LOCK_EX)
            is_first = False
        yield is_first


def _say(text: str) -> None:
    print(f"inv: {text}", file=sys.stderr, flush=True)


def _stop(number: int, _frame: Any) -> NoReturn:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    try:
        main(sys.argv[1], sys.argv[2:])
    except SetupError as error:
        _say(str(error))
    except OSError as error:
        _say(f"{error.filename or LOG} cannot be written: {error.strerror}. Make it writable, or free some space.")
    except KeyboardInterrupt:
        _say("stopped; the next ./inv will create .venv again.")
        sys.exit(130)
    sys.exit(ENVIRONMENT_CODE)
