"""A Chromium without a window, driven over its DevTools protocol."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from websocket import WebSocket, WebSocketTimeoutException, create_connection

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
FLAGS = (
    "--headless --no-sandbox --disable-gpu --no-first-run --hide-scrollbars --disable-background-networking "
    "--disable-component-update --disable-sync --remote-debugging-port=0 --remote-allow-origins=*"
).split()
PAGE_SECONDS = 30

# In CI there must be one: there the tests fail without it.
needs_chromium = pytest.mark.skipif(CHROMIUM is None and not os.environ.get("CI"), reason="no Chromium is installed")


@dataclass
class Browser:
    """One page. errors has what went wrong in it, requests every address that it asked for."""

    socket: WebSocket
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    _calls: int = 0
    _loaded: bool = False

    def open(self, path: Path, *, width: int = 1400, dark: bool = False, fragment: str = "") -> None:
        """Open a file of this machine, the network being off, and wait until it is loaded and still."""
        self.errors.clear()
        self.requests.clear()
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=0, uploadThroughput=0)
        self.call("Page.navigate", url="about:blank")
        self._loaded = False
        self.call("Page.navigate", url=path.as_uri() + fragment)
        deadline = time.monotonic() + PAGE_SECONDS
        while not self._loaded and time.monotonic() < deadline:
            self._read(deadline - time.monotonic())
        self.settle()

    def settle(self) -> None:
        """Wait until nothing of the page has changed for a while."""
        before, since = -1, time.monotonic()
        deadline = time.monotonic() + PAGE_SECONDS
        while time.monotonic() < deadline:
            now = self.evaluate("document.querySelectorAll('*').length")
            if now != before:
                before, since = now, time.monotonic()
            elif time.monotonic() - since > 0.6:
                return
            time.sleep(0.1)

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        done = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def screenshot(self, path: Path) -> None:
        """The whole page as a PNG."""
        width, height = self.evaluate("[innerWidth, Math.min(document.documentElement.scrollHeight, 16000)]")
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        taken = self.call("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(taken["data"]))

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._calls += 1
        number = self._calls
        self.socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        deadline = time.monotonic() + PAGE_SECONDS
        while time.monotonic() < deadline:
            message = self._read(deadline - time.monotonic())
            if message.get("id") == number:
                assert "error" not in message, (method, message)
                return message["result"]
        raise TimeoutError(method)

    def _read(self, seconds: float) -> dict[str, Any]:
        self.socket.settimeout(max(seconds, 0.1))
        try:
            message = json.loads(self.socket.recv())
        except WebSocketTimeoutException:
            return {}
        parameters = message.get("params", {})
        match message.get("method"):
            case "Page.loadEventFired":
                self._loaded = True
            case "Runtime.exceptionThrown":
                self.errors.append(json.dumps(parameters["exceptionDetails"]))
            case "Runtime.consoleAPICalled" if parameters["type"] in ("error", "assert"):
                self.errors.append(json.dumps(parameters["args"]))
            case "Log.entryAdded" if parameters["entry"]["level"] == "error":
                self.errors.append(f"{parameters['entry']['text']} {parameters['entry'].get('url', '')}")
            case "Network.requestWillBeSent":
                self.requests.append(parameters["request"]["url"])
        return message


@contextmanager
def chromium(profile: Path) -> Iterator[Browser]:
    """Start Chromium with an empty profile in a folder of its own, and end it."""
    assert CHROMIUM, "No Chromium is installed. On Debian: apt install chromium"
    process = subprocess.Popen(
        [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    try:
        address = next(
            found[1] for line in process.stderr if (found := re.search(r"DevTools listening on ws://([^/]+)/", line))
        )
        with urllib.request.urlopen(f"http://{address}/json") as answer:
            page = next(target for target in json.load(answer) if target["type"] == "page")
        socket = create_connection(page["webSocketDebuggerUrl"], timeout=PAGE_SECONDS)
        browser = Browser(socket)
        for domain in ("Page", "Runtime", "Log", "Network"):
            browser.call(f"{domain}.enable")
        yield browser
        socket.close()
    finally:
        process.terminate()
        process.wait(timeout=30)
