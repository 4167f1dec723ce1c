"""The measurements and their statistics."""

import json
import os
import platform
import re
import subprocess
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

from harness.load import HOT, OHA_VERSION, POST, Load, Measurement
from harness.programs import JAVA, SERVICE, groups

MEBIBYTE = 2**20


@dataclass(frozen=True)
class Start:
    """A start: seconds until the first 200, and memory in bytes before any load."""

    server: str
    seconds: float
    resident: int


@dataclass(frozen=True)
class Limit:
    """The result of redis-benchmark with a number of connections and of commands in each pipeline."""

    round: int
    connections: int
    pipeline: int
    increments_per_second: float


@dataclass(frozen=True)
class Spread:
    """The median and range of a figure over the rounds."""

    median: float
    lowest: float
    highest: float

    @staticmethod
    def of(values: list[float]) -> "Spread":
        return Spread(median(values), min(values), max(values))


@dataclass
class Results:
    machine: dict[str, str]
    rounds: int
    seconds: float
    half_rate: int = 0
    starts: list[Start] = field(default_factory=list)
    measurements: list[Measurement] = field(default_factory=list)
    limits: list[Limit] = field(default_factory=list)

    def servers(self) -> list[str]:
        return list(dict.fromkeys(start.server for start in self.starts))

    def peers(self) -> list[str]:
        return [server for server in self.servers() if server != SERVICE]

    def groups(self) -> dict[str, list[str]]:
        return groups(self.servers())

    def rivals(self) -> list[str]:
        """The other servers of this service's group."""
        group = next(group for group in self.groups().values() if SERVICE in group)
        return [server for server in group if server != SERVICE]

    def figures(self, server: str, load: Load, figure: str) -> list[float]:
        """A figure of a Measurement, in the order of the rounds."""
        return [getattr(m, figure) for m in self.measurements if m.server == server and m.load == load]

    def median(self, server: str, load: Load, figure: str) -> float:
        return median(self.figures(server, load, figure))

    def to_peer(self, peer: str, load: Load, figure: str) -> Spread:
        """This service's figure divided by the peer's, round by round."""
        return _ratio(self.figures(SERVICE, load, figure), self.figures(peer, load, figure))

    def hot_to_many(self, server: str, figure: str) -> Spread:
        """A server's figure with one hot user divided by its figure with many users, round by round."""
        return _ratio(self.figures(server, HOT, figure), self.figures(server, POST, figure))

    def start_seconds(self, server: str) -> Spread:
        return Spread.of([start.seconds for start in self.starts if start.server == server])

    def idle(self, server: str) -> float:
        """Bytes in memory after a start."""
        return median(start.resident for start in self.starts if start.server == server)

    def loaded(self, server: str) -> float:
        """The most bytes that were in memory after any load."""
        return max(m.resident for m in self.measurements if m.server == server)

    def limit(self, connections: int, pipeline: int) -> float:
        return median(
            limit.increments_per_second
            for limit in self.limits
            if (limit.connections, limit.pipeline) == (connections, pipeline)
        )

    def write(self, folder: Path) -> None:
        """Writes JSON Lines: what holds for the whole run, then a start, a measurement or a limit a line."""
        whole = asdict(self)
        rows = [{kind: row} for kind in ("starts", "measurements", "limits") for row in whole.pop(kind)]
        (folder / "results.jsonl").write_text("".join(json.dumps(row) + "\n" for row in [whole, *rows]))


def _ratio(numerators: list[float], denominators: list[float]) -> Spread:
    return Spread.of([numerator / denominator for numerator, denominator in zip(numerators, denominators, strict=True)])


def machine() -> dict[str, str]:
    """The properties of the machine that influence the figures."""
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return {
        "Processors": f"{len(os.sched_getaffinity(0))} × {model.group(1) if model else platform.machine()}",
        "Load average before the start": f"{os.getloadavg()[0]:.1f}",
        "Java": _output([str(JAVA), "--version"]).splitlines()[1],
        "Go": _output(["go", "env", "GOVERSION"]).strip(),
        "Redis": _output(["redis-server", "--version"]).split()[2].removeprefix("v="),
        "oha": OHA_VERSION,
    }


def java_version() -> int:
    """The feature release of the JDK in JAVA_HOME, 0 if there is none."""
    release = re.search(r'version "(\d+)', _output([str(JAVA), "-version"])) if JAVA.exists() else None
    return int(release.group(1)) if release else 0


def _output(command: list[str]) -> str:
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True).stdout
