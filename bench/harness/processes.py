"""Runs Redis and the servers, and measures their CPU time and memory. Stops only its own processes."""

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import psutil

from harness.programs import Failure, Program

PATIENCE = 120
SUM = (
    "local sum = 0 for _, key in ipairs(redis.call('KEYS', 'user:*')) do sum = sum + redis.call('GET', key) end "
    "return string.format('%d', sum)"
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process:
    """A process in a separate session, so that its children are stopped with it."""

    def __init__(self, name: str, command: list[str], folder: Path, environment: Mapping[str, str] = os.environ):
        folder.mkdir(parents=True, exist_ok=True)
        self.name = name
        self.log = folder / "output.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for ending in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, ending)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(PATIENCE)
                return

    def wait_until(self, ready):
        deadline = time.monotonic() + PATIENCE
        while not ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise Failure(
                    f"{self.log.read_text(errors='replace')}\n{self.name} did not answer within {PATIENCE} s: "
                    f"see its log above, from {self.log}"
                )
            time.sleep(0.01)

    def _tree(self) -> list[psutil.Process]:
        root = psutil.Process(self.process.pid)
        return [root, *root.children(recursive=True)]

    def cpu_seconds(self) -> float:
        return sum(times.user + times.system for times in (process.cpu_times() for process in self._tree()))

    def resident_bytes(self) -> int:
        return sum(process.memory_info().rss for process in self._tree())


class Redis(Process):
    """A redis-server that acknowledges a write when it is on disk."""

    def __init__(self, folder: Path):
        self.port = free_port()
        command = ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(folder)]
        command += ["--appendonly", "yes", "--appendfsync", "always", "--save", ""]
        # No rewrites of the file: a rewrite would slow down only one of the servers.
        command += ["--auto-aof-rewrite-percentage", "0"]
        super().__init__("redis-server", command, folder)

    def wait(self):
        self.wait_until(lambda: self._ask("PING") == "PONG")

    def _ask(self, *command: str) -> str:
        asked = subprocess.run(["redis-cli", "-p", str(self.port), *command], capture_output=True, text=True)
        return asked.stdout.strip()

    def sum(self) -> int:
        """All users' counts together."""
        return int(self._ask("EVAL", SUM, "0"))


class Server(Process):
    """This service or a peer on a free port."""

    def __init__(self, program: Program, redis: Redis, folder: Path):
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.started = time.monotonic()
        places = {"WLP_OUTPUT_DIR": str(folder), "LOG_DIR": str(folder / "logs")}
        addresses = {"PORT": str(port), "REDIS_URL": f"127.0.0.1:{redis.port}"}
        super().__init__(program.name, program.command, folder, os.environ | program.environment | places | addresses)

    def first_answer(self) -> float:
        """Waits for the first 200 that needs Redis, and returns the seconds since the start."""
        self.wait_until(self._answers)
        return time.monotonic() - self.started

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/users/0", timeout=PATIENCE) as answer:
                return answer.status == 200
        except (urllib.error.HTTPError, OSError):
            return False
