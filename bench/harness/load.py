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


def install():
    """Once; cargo leaves a version alone that is there."""
    run(["cargo", "install", "oha", "--version", OHA_VERSION, "--locked", "--root", str(OHA.parent.parent)], TARGET)


def drive(server: Server, redis: Redis, load: Load, seconds: float, round_: int) -> Measurement:
    """Puts a server under load, and makes sure that no answered increment was lost."""
    duration = ["-z", f"{seconds}s", "--wait-ongoing-requests-after-deadline"]
    sum_before = redis.sum()
    cpu_before, own_before = server.cpu_seconds(), _children_cpu_seconds()
    output = _oha(server, load, duration)
    cpu, own = server.cpu_seconds() - cpu_before, _children_cpu_seconds() - own_before
    resident = server.resident_bytes()
    counted = redis.sum() - sum_before

    report = json.loads(output)
    answers = report["statusCodeDistribution"].get("200", 0)
    failed = sum(report["statusCodeDistribution"].values()) - answers + sum(report["errorDistribution"].values())
    if not answers:
        raise Failure(f"{server.name} answered nothing to {load}: {output.decode()}")
    if load.method == "POST" and not answers <= counted <= answers + failed:
        raise Failure(f"{server.name} answered {answers} increments of {answers + failed}, and Redis counted {counted}")
    percentiles = report["latencyPercentiles"]
    return Measurement(
        round=round_,
        server=server.name,
        load=load,
        answers_per_second=answers / report["summary"]["total"],
        failed=failed,
        p50=percentiles["p50"] * 1e3,
        p99=percentiles["p99"] * 1e3,
        p999=percentiles["p99.9"] * 1e3,
        server_cpu=cpu / answers * 1e6,
        generator_cpu=own / answers * 1e6,
        resident=resident,
    )


def warm_up(server: Server, load: Load, requests: int) -> None:
    """By a number of requests, since that is what a JVM compiles by: on a slow machine seconds say nothing."""
    _oha(server, load, ["-n", str(requests)])


def _oha(server: Server, load: Load, extent: list[str]) -> bytes:
    url = server.url + load.path
    _require_own_address(server, url)
    command = [str(OHA), "--no-tui", "--output-format", "json", "--rand-regex-url"]
    command += ["-m", load.method, "-c", str(load.connections), *extent]
    if load.rate:
        command += ["-q", str(load.rate), "--latency-correction"]
    return subprocess.run([*command, url], stdout=subprocess.PIPE, check=True).stdout


def _require_own_address(server: Server, pattern: str) -> None:
    """Load must reach no other machine: oha makes the URLs from a pattern, so see what it makes of this one."""
    command = [str(OHA), "--rand-regex-url", "--dump-urls", "10", pattern]
    urls = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout.split()
    if not urls or not all(url.startswith(f"{server.url}/") for url in urls):
        raise Failure(f"oha would not send to {server.url} alone: {urls}")


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
