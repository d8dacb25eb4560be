"""A server to be measured, as a program: answers at once, notes what it was asked, misbehaves.

    python plain_server.py LOG [--infer 7] [--at 5 --do die]

`--at N --do WHAT` misbehaves at the N-th photo, counted from 1; without `--at`, at each.
"""

from __future__ import annotations

import argparse
import http.server
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

MEMORY = 150_000_000
BURNT_SECONDS = 0.03


def die() -> None:
    sys.stderr.write("the last words\n")
    sys.stderr.flush()
    os._exit(3)


def wait_for_ever() -> None:
    time.sleep(3600)


def hold_memory() -> None:
    held = b"x" * MEMORY  # touched, and given back at once
    del held


def burn() -> None:
    start = time.process_time()
    while time.process_time() - start < BURNT_SECONDS:
        pass


def nap() -> None:
    time.sleep(BURNT_SECONDS)


DEEDS: dict[str, Callable[[], None]] = {
    "die": die, "hang": wait_for_ever, "hold": hold_memory, "burn": burn, "nap": nap,
}  # fmt: skip


class Asked(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    connections = 0
    photos = 0

    def setup(self) -> None:
        super().setup()
        Asked.connections += 1

    def do_POST(self) -> None:
        photo = self.rfile.read(int(self.headers["Content-Length"]))
        Asked.photos += 1
        write(
            connection=Asked.connections,
            path=self.path,
            photo=photo.decode(),
            kind=self.headers["Content-Type"],
        )
        due = options.at in (None, Asked.photos)
        if due and options.do in DEEDS:
            DEEDS[options.do]()
        infer = options.infer + Asked.photos * options.slower
        content = json.dumps({"timings_ms": {"infer": infer}}).encode()
        if due and options.do == "garble":
            content = b'{"timings_ms": 5}'
        self.send_response(503 if due and options.do == "refuse" else 200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_arguments: object) -> None:
        pass


def write(**event: object) -> None:
    with options.log.open("a") as log:
        log.write(json.dumps({"pid": os.getpid(), **event}) + "\n")


def main() -> None:
    if options.do == "stay":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
    write(cores=cores, threads=os.environ.get("VITRINA_THREADS"))
    if options.do == "beget":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
        write(child=child.pid)
    if options.do == "fail":
        sys.exit("there is nothing to serve")
    if options.do == "mute":
        wait_for_ever()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Asked)
    sys.stderr.write(f"plain is at http://127.0.0.1:{server.server_port}\n")
    sys.stderr.flush()
    server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("log", type=Path)
    parser.add_argument("--infer", type=float, default=7.0)
    parser.add_argument("--slower", type=float, default=0.0)
    parser.add_argument("--at", type=int)
    parser.add_argument("--do", default="")
    options = parser.parse_args()
    main()
