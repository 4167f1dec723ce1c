"""
The load generator, oha. It gives each request a random user. It has closed loops, and open loops whose latencies start
at the scheduled time of a request (no coordinated omission). It waits for the last answers, and reports in JSON.
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
    """The behaviour of the clients. Without a rate the loop is closed: an answer triggers the next request."""

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
    """The result of a load: latencies in milliseconds, CPU time in microseconds for each answer, memory in bytes."""

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
    """The report of the load generator: answers 200, latencies in milliseconds, CPU time of the load generator."""

    answers: int
    failed: int
    seconds: float
    p50: float
    p99: float
    p999: float
    generator_cpu_seconds: float

    @property
    def answers_per_second(self) -> float:
        return self.answers / self.seconds

    def for_each(self, cpu_seconds: float) -> float:
        """CPU time for each answer, in microseconds."""
        return cpu_seconds / self.answers * 1e6


def install():
    """Installs oha. cargo does nothing if this version is installed."""
    run(["cargo", "install", "oha", "--version", OHA_VERSION, "--locked", "--root", str(OHA.parent.parent)], TARGET)


def drive(server: Server, redis: Redis, load: Load, seconds: float, round_: int) -> Measurement:
    """Puts a server under load, and checks that no acknowledged increment was lost."""
    sum_before = redis.sum()
    cpu_before = server.cpu_seconds()
    report = put_under_load(server.url, load, seconds)
    cpu = server.cpu_seconds() - cpu_before
    resident = server.resident_bytes()
    counted = redis.sum() - sum_before
    if load.method == "POST" and not report.answers <= counted <= report.answers + report.failed:
        raise Failure(
            f"{server.name} acknowledged {report.answers} of {report.answers + report.failed} increments, but Redis "
            f"counted {counted}: this server loses or repeats increments, see its log"
        )
    return Measurement(
        round=round_,
        server=server.name,
        load=load,
        answers_per_second=report.answers_per_second,
        failed=report.failed,
        p50=report.p50,
        p99=report.p99,
        p999=report.p999,
        server_cpu=report.for_each(cpu),
        generator_cpu=report.for_each(report.generator_cpu_seconds),
        resident=resident,
    )


def put_under_load(url: str, load: Load, seconds: float) -> Report:
    """Puts a server under load for some time."""
    own_before = _children_cpu_seconds()
    output = _oha(url, load, ["-z", f"{seconds}s", "--wait-ongoing-requests-after-deadline"])
    own = _children_cpu_seconds() - own_before
    report = json.loads(output)
    if "429" in report["statusCodeDistribution"]:
        raise Failure(f"{url} limits clients: deploy an overlay with components/no-rate-limit")
    answers = report["statusCodeDistribution"].get("200", 0)
    if not answers:
        raise Failure(f"{url} answered no request with 200 under {load}: {output.decode()}")
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
    """Warms up with a number of requests instead of a time: a JVM compiles code after a number of calls."""
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
    """Checks that all URLs that oha generates from the pattern lead to this server, and to no other machine."""
    command = [str(OHA), "--rand-regex-url", "--dump-urls", "10", pattern]
    urls = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout.split()
    if not urls or not all(made.startswith(f"{url}/") for made in urls):
        raise Failure(f"oha would also send requests to other addresses than {url}: {urls}")


def increments_per_second(redis: Redis, connections: int, pipeline: int, seconds: float) -> float:
    """The increments a second of redis-benchmark without a service: the upper limit for all servers."""

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
