"""
Measures the application in the cluster of the current kubeconfig, through its LoadBalancer, with 1, 2 and 4 backends.
Also measures the memory and disk of Redis for a user, an idempotency key and an increment.

The rounds go through the numbers of backends alternately up and down, so that other load of the machine affects all
alike. The load increments the numbers of the users 0000 to 9999. At the end, the number of backends is restored.
"""

import re
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from harness.load import GET, MANY, POST, Load, Report, warm_up
from harness.kubernetes import COMPONENTS, address, cost, in_redis, kubectl, pods, processors
from harness.programs import Failure
from harness.table import table

BACKENDS = [1, 2, 4]

# The keys that the service stores in Redis: a format for the key, and the value.
UUID = "00000000-0000-4000-8000-0000%08d"
STORED = {
    "a user, id of 8 characters, counted up to 9,999 times": ("user:{%08d}", "9999"),
    "a user, id of 36 characters, counted more often": (f"user:{{{UUID}}}", "10000"),
    "an idempotency key of 36 characters, user's id of 8": (f"user:{{12345678}}:key:{UUID}", "10000", "PX", "86400000"),
    "an idempotency key of 36 characters, user's id of 36": (
        f"user:{{{UUID % 0}}}:key:{UUID}",
        "10000",
        "PX",
        "86400000",
    ),
}
STORE = "for i = 1, 100000 do redis.call('SET', string.format(ARGV[1], i), unpack(ARGV, 2)) end"
# Starts a second Redis of the same version in the pod, which writes nothing to disk.
MEMORY = """
redis-server --port 6380 --save '' >/dev/null &
ask() { redis-cli -p 6380 "$@"; }
used() { ask info memory | sed -n 's/^used_memory:\\([0-9]*\\).*/\\1/p'; }
until ask ping >/dev/null 2>&1; do sleep 0.1; done
before=$(used)
ask eval "$@" >/dev/null
after=$(used)
ask shutdown
wait
echo $(((after - before) / 100000))
"""
APPEND_ONLY_FILE = "REDISCLI_AUTH=$(cat /run/secrets/redis/password) redis-cli -e info persistence"


@dataclass(frozen=True)
class Sample:
    """A load on a number of backends: CPU seconds of all pods of each component, bytes appended to Redis's disk."""

    backends: int
    load: Load
    report: Report
    cpu_seconds: dict[str, float]
    appended: int


def measure(rounds: int, seconds: float, warm_up_requests: int, say) -> list[Sample]:
    """Measures after a warm-up with a number of requests, which nginx distributes to all backends."""
    url = f"http://{address()}"
    samples = []
    warm: set[str] = set()
    with _as_many_backends_as_before():
        for round_ in range(rounds):
            for backends in BACKENDS if round_ % 2 == 0 else reversed(BACKENDS):
                say(f"Round {round_ + 1} of {rounds}: {backends} backends")
                _scale(backends)
                if cold := set(pods("backend")) - warm:
                    for load in (POST, GET):
                        warm_up(url, load, warm_up_requests * backends // max(BACKENDS))
                    warm |= cold
                samples += [_sample(url, backends, load, seconds) for load in (POST, GET)]
    return samples


def memory() -> dict[str, int]:
    """Bytes of Redis's memory for each entry of STORED."""
    return {
        what: int(in_redis(MEMORY, STORE, "0", *key_and_value).split()[-1]) for what, key_and_value in STORED.items()
    }


def write(
    samples: list[Sample], peers: list[str], stored: dict[str, int], rounds: int, seconds: float, folder: Path
) -> None:
    cells = []
    for load in (POST, GET):
        for backends in BACKENDS:
            same = [sample for sample in samples if (sample.backends, sample.load) == (backends, load)]
            cells.append(_row(load, backends, same))
    failed = sum(sample.report.failed for sample in samples)
    parts = [
        "# With more backends",
        f"{MANY} connections to the LoadBalancer; medians of {rounds} rounds of {seconds:g} s for each load. Latencies "
        "in ms; then the CPU time of a request in µs, by where it was spent. Load generator and cluster shared the "
        f"machine's {processors()} processors. Requests not answered 200: {failed}.",
        table(["load", "backends", "requests/s", "p50", "p99", *COMPONENTS, "load generator"], cells),
        *peers,
        "# What Redis needs",
        table(["", "bytes of memory"], [[what, str(size)] for what, size in stored.items()]),
        f"A POST, with the key that nginx gives it, takes {_appended_by_post(samples):.0f} bytes of the append-only "
        "file, until Redis rewrites that.",
    ]
    (folder / "cluster.md").write_text("\n\n".join(parts) + "\n")


def _row(load: Load, backends: int, same: list[Sample]) -> list[str]:
    def middle(figure) -> float:
        return median(figure(sample) for sample in same)

    def cpu(component: str) -> float:
        return middle(lambda sample: sample.report.for_each(sample.cpu_seconds[component]))

    return [
        load.method,
        str(backends),
        f"{middle(lambda sample: sample.report.answers_per_second):,.0f}",
        f"{middle(lambda sample: sample.report.p50):.1f}",
        f"{middle(lambda sample: sample.report.p99):.1f}",
        *(f"{cpu(component):.0f}" for component in COMPONENTS),
        f"{middle(lambda sample: sample.report.for_each(sample.report.generator_cpu_seconds)):.0f}",
    ]


def _appended_by_post(samples: list[Sample]) -> float:
    return median(sample.appended / sample.report.answers for sample in samples if sample.load == POST)


def _sample(url: str, backends: int, load: Load, seconds: float) -> Sample:
    size_before = _append_only_file_bytes()
    report, cpu_seconds = cost(url, load, seconds)
    return Sample(backends, load, report, cpu_seconds, _append_only_file_bytes() - size_before)


def _append_only_file_bytes() -> int:
    return _number("aof_current_size:", in_redis(APPEND_ONLY_FILE))


def _number(name: str, text: str) -> int:
    found = re.search(rf"^{name}(\d+)", text, re.MULTILINE)
    if not found:
        raise Failure(f"The output of Redis contains no number after '{name}':\n{text}")
    return int(found.group(1))


@contextmanager
def _as_many_backends_as_before():
    before = int(kubectl("get", "deployment", "backend", "-o", "jsonpath={.spec.replicas}"))
    try:
        yield
    finally:
        _scale(before)


def _scale(backends: int) -> None:
    kubectl("scale", "deployment", "backend", f"--replicas={backends}")
    kubectl("rollout", "status", "deployment/backend", "--timeout=5m")
    for pod in pods("backend")[backends:]:
        kubectl("wait", "--for=delete", f"pod/{pod}", "--timeout=2m")
