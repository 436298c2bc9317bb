"""A package index on this machine with packages of a few bytes, and a project whose lock names them."""

from __future__ import annotations

import base64
import hashlib
import http.server
import io
import os
import shutil
import ssl
import subprocess
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Self

from pipeline.settings import PROJECT_ROOT

ODD_NAME = "it's 100% $HOME & höme"
TASKS = """
import sys, tiny
sys.stderr.reconfigure(errors="replace")
print("ran", *sys.argv[1:], "with", tiny.__file__)
"""


def wheel(name: str, version: str = "1.0", *, text: str = "here") -> bytes:
    """A wheel with a module, and a script that prints a text."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": f"def main():\n    print('{name} {text}')\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{name}-script = {name}:main\n",
    }
    record = [f"{info}/RECORD,,"]
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path, text in files.items():
            archive.writestr(zipfile.ZipInfo(path), text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            record.append(f"{path},sha256={digest},{len(text)}")
        archive.writestr(zipfile.ZipInfo(f"{info}/RECORD"), "\n".join(record) + "\n")
    return content.getvalue()


class Index:
    """A package index that serves wheels, and remembers which files were asked for.

    before_answer is called with each path before it is answered; a status that it returns is the answer.
    """

    def __init__(self, certificate: ssl.SSLContext | None = None) -> None:
        self.wheels = {name: wheel(name) for name in ("tiny", "tinydev")}
        self.served: list[str] = []
        self.before_answer: Callable[[str], int | None] = lambda _path: None
        index = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path.strip("/").split("/")[-1].split("-")[0]
                status = index.before_answer(self.path) or (200 if name in index.wheels else 404)
                content = b""
                if status == 200 and self.path.endswith(".whl"):
                    content = index.wheels[name]
                    index.served.append(name)
                elif status == 200:
                    digest = hashlib.sha256(index.wheels[name]).hexdigest()
                    file = f"{name}-1.0-py3-none-any.whl"
                    content = f'<html><body><a href="/files/{file}#sha256={digest}">{file}</a></body></html>'.encode()
                self.send_response(status)
                self.send_header("Content-Type", "text/html" if not self.path.endswith(".whl") else "application/zip")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_HEAD = do_CONNECT = do_GET  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if certificate:
            self.server.socket = certificate.wrap_socket(self.server.socket, server_side=True)
        self.scheme = "https" if certificate else "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server.server_port}/simple"

    def lock(self, *names: str) -> str:
        return "".join(
            f"{name}==1.0 \\\n    --hash=sha256:{hashlib.sha256(self.wheels[name]).hexdigest()}\n" for name in names
        )

    def __enter__(self) -> Self:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


class Clone:
    """The wrapper in a folder of its own, with a lock of two small packages and a task that names its environment."""

    def __init__(self, root: Path, index: Index, *, uv: Path | None, python: str) -> None:
        self.root = root
        self.home = root.parent / "home"
        self.uv = uv
        (root / "door").mkdir(parents=True)
        self.home.mkdir(exist_ok=True)
        for name in ("inv", "door/environment.py", "profiles.yml.example"):
            shutil.copy2(PROJECT_ROOT / name, root / name)
        (root / "tasks.py").write_text(TASKS, encoding="utf-8")
        self.set_locks(index)
        self.environment = {
            "PATH": os.pathsep.join(filter(None, [str(uv.parent) if uv else "", *_plain_path()])),
            "HOME": str(self.home),
            "PYTHON": python,
            "PIP_INDEX_URL": index.url,
            "UV_DEFAULT_INDEX": index.url,
            "PIP_RETRIES": "0",
            "UV_HTTP_RETRIES": "0",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }

    def set_locks(self, index: Index) -> None:
        (self.root / "requirements.lock").write_text(index.lock("tiny"), encoding="utf-8")
        (self.root / "requirements-dev.lock").write_text(index.lock("tiny", "tinydev"), encoding="utf-8")

    def start(self, *arguments: str, through: Path | None = None, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [through or self.root / "inv", *arguments],
            env={**self.environment, **environment},
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def inv(self, *arguments: str, through: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments, through=through, **environment)
        out, err = process.communicate(timeout=300)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    @property
    def packages(self) -> set[str]:
        return {path.stem for path in (self.root / ".venv").glob("lib/*/site-packages/tiny*.py")}


def _plain_path() -> list[str]:
    """The folders of PATH without one that has uv."""
    return [folder for folder in os.environ["PATH"].split(os.pathsep) if not Path(folder, "uv").exists()]
