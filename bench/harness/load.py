"""
The load, by oha: it gives each request another user's path, has closed loops and open ones whose latencies count from
when a request was due (no coordinated omission), waits for the last answers, and reports in JSON.
"""

import csv
import json
import resource
import subprocess
from dataclasses import dataclass

from harness.processes import Redis, Server
from harness.programs import TARGET, Failure, run

OHA_VERSION = "1.16.0"
OHA = TARGET / "oha" / "bin" / "oha"


@dataclass(frozen=True)
class Load:
    """What clients do. Without a rate the loop is closed: a connection asks as soon as it is answered."""

    method: str
    connections: int
    path: str = "/users/[0-9]{4}"
    rate: int | None = None


CONNECTIONS = [1, 16, 64, 256]
MANY = 64
CLOSED = [Load(method, connections) for method in ("POST", "GET") for connections in CONNECTIONS]
POST, GET = Load("POST", MANY), Load("GET", MANY)
HOT = Load("POST", MANY, path="/users/hot")
CONSTANT = [Load("GET", connections, path="/healthz") for connections in CONNECTIONS]
OPEN_RATE = 2_000
PIPELINE = 16


def open_loop(rate: int) -> Load:
    return Load("POST", MANY, rate=rate)


@dataclass(frozen=True)
class Measurement:
    """What came of a load; latencies in milliseconds, CPU time in microseconds per answer, memory in bytes."""

    round: int
    server: str
    load: Load
    answers_per_second: float
    failed: int
    p50: float
    p99: float
    p999: float
    server_cpu: float
    generator_cpu: float
    resident: int


@dataclass(frozen=True)
class Report:
    """What the load generator reports: answers with status 200, latencies in milliseconds, its own CPU time."""

    answers: int
    failed: int
    seconds: float
    p50: float
    p99: float
    p999: float
    generator_cpu_seconds: float


def install():
    """Once; cargo leaves a version alone that is there."""
    run(["cargo", "install", "oha", "--version", OHA_VERSION, "--locked", "--root", str(OHA.parent.parent)], TARGET)


def drive(server: Server, redis: Redis, load: Load, seconds: float, round_: int) -> Measurement:
    """Puts a server under load, and makes sure that no answered increment was lost."""
    sum_before = redis.sum()
    cpu_before = server.cpu_seconds()
    report = put_under_load(server.url, load, seconds)
    cpu = server.cpu_seconds() - cpu_before
    resident = server.resident_bytes()
    counted = redis.sum() - sum_before
    if load.method == "POST" and not report.answers <= counted <= report.answers + report.failed:
        raise Failure(
            f"{server.name} answered {report.answers} increments of {report.answers + report.failed}, and Redis "
            f"counted {counted}"
        )
    return Measurement(
        round=round_,
        server=server.name,
        load=load,
        answers_per_second=report.answers / report.seconds,
        failed=report.failed,
        p50=report.p50,
        p99=report.p99,
        p999=report.p999,
        server_cpu=cpu / report.answers * 1e6,
        generator_cpu=report.generator_cpu_seconds / report.answers * 1e6,
        resident=resident,
    )


def put_under_load(url: str, load: Load, seconds: float) -> Report:
    """Puts what serves at an address under load for some time."""
    own_before = _children_cpu_seconds()
    output = _oha(url, load, ["-z", f"{seconds}s", "--wait-ongoing-requests-after-deadline"])
    own = _children_cpu_seconds() - own_before
    report = json.loads(output)
    answers = report["statusCodeDistribution"].get("200", 0)
    if not answers:
        raise Failure(f"{url} answered nothing to {load}: {output.decode()}")
    percentiles = report["latencyPercentiles"]
    return Report(
        answers=answers,
        failed=sum(report["statusCodeDistribution"].values()) - answers + sum(report["errorDistribution"].values()),
        seconds=report["summary"]["total"],
        p50=percentiles["p50"] * 1e3,
        p99=percentiles["p99"] * 1e3,
        p999=percentiles["p99.9"] * 1e3,
        generator_cpu_seconds=own,
    )


def warm_up(url: str, load: Load, requests: int) -> None:
    """By a number of requests, since that is what a JVM compiles by: on a slow machine seconds say nothing."""
    _oha(url, load, ["-n", str(requests)])


def _oha(url: str, load: Load, extent: list[str]) -> bytes:
    pattern = url + load.path
    _require_own_address(url, pattern)
    command = [str(OHA), "--no-tui", "--output-format", "json", "--rand-regex-url"]
    command += ["-m", load.method, "-c", str(load.connections), *extent]
    if load.rate:
        command += ["-q", str(load.rate), "--latency-correction"]
    return subprocess.run([*command, pattern], stdout=subprocess.PIPE, check=True).stdout


def _require_own_address(url: str, pattern: str) -> None:
    """Load must reach no other machine: oha makes the URLs from a pattern, so see what it makes of this one."""
    command = [str(OHA), "--rand-regex-url", "--dump-urls", "10", pattern]
    urls = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout.split()
    if not urls or not all(made.startswith(f"{url}/") for made in urls):
        raise Failure(f"oha would not send to {url} alone: {urls}")


def increments_per_second(redis: Redis, connections: int, pipeline: int, seconds: float) -> float:
    """What redis-benchmark reaches without any service between: the limit of them all."""

    def measure(requests: float) -> float:
        command = ["redis-benchmark", "-p", str(redis.port), "-c", str(connections), "-P", str(pipeline)]
        command += ["-n", str(int(requests)), "-r", "10000", "--csv", "INCR", "limit:{__rand_int__}"]
        output = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout
        return float(next(csv.DictReader(output.splitlines()))["rps"])

    # redis-benchmark takes a number of requests, not a time.
    return measure(seconds * measure(100 * connections * pipeline))


def _children_cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
