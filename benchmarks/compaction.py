"""Measure reading one-object song files from S3, one by one and compacted, for figures.md.

python benchmarks/compaction.py [--songs 2000 15000] [--latency 0 30] [--slices 4], in the project's environment.

S3 is moto's server on this machine: one process that answers a few hundred requests per second. So requests and bytes
apply to AWS as well, but the seconds are this machine's, with --latency milliseconds added before each request. One
thread per slice simulates COPY and reads its share of the files one after the other. The time that Redshift itself
spends on a file is not included.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench import INVOKE, measure  # noqa: E402

from pipeline.load.redshift.compaction import compact  # noqa: E402
from pipeline.settings import LoadOptions  # noqa: E402
from pipeline.source.listing import list_source  # noqa: E402
from pipeline.source.s3 import s3_client, split_uri  # noqa: E402

SOURCE, OWN = "sparkify-source", "sparkify-own"


class Traffic:
    """Counts the requests and bytes of a client, and delays each request."""

    def __init__(self, s3: Any, latency_ms: int) -> None:
        self.requests = self.bytes = 0
        self._seconds = latency_ms / 1000
        self._lock = threading.Lock()
        s3.meta.events.register("before-send.s3", self._sent)
        s3.meta.events.register("after-call.s3", self._answered)

    def _sent(self, request: Any, **_rest: Any) -> None:
        time.sleep(self._seconds)
        with self._lock:
            self.requests += 1
            self.bytes += int(request.headers.get("Content-Length", 0))

    def _answered(self, parsed: Any, **_rest: Any) -> None:
        with self._lock:
            self.bytes += int(parsed["ResponseMetadata"]["HTTPHeaders"].get("content-length", 0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=int, nargs="+", default=[2_000, 15_000])
    parser.add_argument("--latency", type=int, nargs="+", default=[0, 30], help="milliseconds")
    parser.add_argument("--slices", type=int, default=4)
    parser.add_argument("--one", nargs=2, metavar=("WAY", "SOURCE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        way, source = options.one
        print(json.dumps(WAYS[way](source, options.slices, options.latency[0])))
        return
    print("| song files | latency | way | load's requests | KB | COPY's requests | KB | seconds | peak memory, MB |")
    print("|" + "---|" * 9)
    with tempfile.TemporaryDirectory() as folder, moto_server():
        for songs in options.songs:
            root = Path(folder) / str(songs)
            measure(*INVOKE, "simulate", "-q", str(root), f"--songs={songs}", "--events=100", "--days=1")
            for latency in options.latency:
                upload(root, f"{songs}/{latency}")
                for way in WAYS:
                    one_way(way, songs, latency, options.slices)


def one_way(way: str, songs: int, latency: int, slices: int) -> None:
    source = f"s3://{SOURCE}/{songs}/{latency}"
    flags = [f"--latency={latency}", f"--slices={slices}", "--one", way, source]
    measured = measure(sys.executable, __file__, *flags)
    seen = json.loads(measured.output)
    print(
        f"| {songs:,} | {latency} ms | {way} | {seen['load'][0]:,} | {seen['load'][1] / 1024:,.0f} "
        f"| {seen['copy'][0]:,} | {seen['copy'][1] / 1024:,.0f} | {seen['seconds']:.1f} | {measured.megabytes:.0f} |",
        flush=True,
    )


def read_each(source: str, slices: int, latency: int) -> dict[str, Any]:
    """Let COPY read the files as they are."""
    files = list_source(source, LoadOptions.from_flags(only="songs")).files
    began = time.perf_counter()
    copied = copy([f"{source}/{file.key}" for file in files], slices, latency)
    return {"load": (0, 0), "copy": copied, "seconds": time.perf_counter() - began}


def read_compacted(source: str, slices: int, latency: int) -> dict[str, Any]:
    """Compact the files and let COPY read the parts. A second call finds the parts written."""
    files = list_source(source, LoadOptions.from_flags(only="songs")).files
    began = time.perf_counter()
    s3 = s3_client()
    traffic = Traffic(s3, latency)
    made = compact(source, files, bucket=OWN, prefix="compacted", s3=s3, slices=slices)
    uris = [part.uri for part in made.parts] + [f"{source}/{file.key}" for file in made.passed]
    copied = copy(uris, slices, latency)
    return {"load": (traffic.requests, traffic.bytes), "copy": copied, "seconds": time.perf_counter() - began}


WAYS = {"file by file": read_each, "compacted": read_compacted, "compacted, parts already written": read_compacted}


def copy(uris: list[str], slices: int, latency: int) -> tuple[int, int]:
    """Read the objects as slices do; return the number of requests and bytes."""
    s3 = s3_client(slices)
    traffic = Traffic(s3, latency)

    def read_share(number: int) -> None:
        for uri in uris[number::slices]:
            bucket, key = split_uri(uri)
            s3.get_object(Bucket=bucket, Key=key)["Body"].read()

    with ThreadPoolExecutor(slices) as pool:
        list(pool.map(read_share, range(slices)))
    return traffic.requests, traffic.bytes


@contextmanager
def moto_server() -> Iterator[None]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
    os.environ.update(
        AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}",
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",  # noqa: S106
        AWS_DEFAULT_REGION="us-east-1",
    )
    try:
        wait_for(server, port)
        for bucket in (SOURCE, OWN):
            s3_client().create_bucket(Bucket=bucket)
        yield
    finally:
        server.terminate()
        server.wait()


def wait_for(server: subprocess.Popen[bytes], port: int) -> None:
    while server.poll() is None:
        with socket.socket() as connection:
            if connection.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit("moto's server did not start")


def upload(root: Path, prefix: str) -> None:
    s3 = s3_client()

    def put(path: Path) -> None:
        s3.put_object(Bucket=SOURCE, Key=f"{prefix}/{path.relative_to(root).as_posix()}", Body=path.read_bytes())

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, (root / "song_data").rglob("*.json")))


if __name__ == "__main__":
    main()
