"""
Measures this service and its peers: the same API, the same Redis, the same load, in one run on one machine.

All servers run during the whole measurement, and are warmed up with the same number of requests. Each round puts the
servers one after another under each load, so that other load of the machine affects all servers alike. A ratio compares
two measurements of the same round. The results are tables (results.md), all measurements (results.jsonl) and plots (SVG)
in bench/results, and the table in bench/README.md. A run with --quick or --only writes only to bench/target/results.

With --cluster, it measures the application in the cluster of the current kubeconfig instead, through its LoadBalancer,
with 1, 2 and 4 backends, then its peers behind the same nginx. The result (cluster.md) has the requests a second and
their CPU time. The application must be deployed with components/no-rate-limit, as tests/overlays/minikube is.

Needs: a JDK, 21 or later, in JAVA_HOME (virtual threads); Go; Rust's cargo; Python 3; redis-server, redis-cli and
redis-benchmark. With --cluster: the JDK, Go, cargo, Python 3, kubectl and minikube.
"""

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from harness import cluster, cluster_peers, plots, table
from harness.load import (
    CLOSED,
    CONNECTIONS,
    CONSTANT,
    GET,
    HOT,
    OPEN_RATE,
    PIPELINE,
    POST,
    Measurement,
    drive,
    increments_per_second,
    install,
    open_loop,
    warm_up,
)
from harness.processes import Redis, Server
from harness.programs import BENCH, JAVA, PROGRAMS, SERVICE, TARGET, Failure, Program
from harness.results import Limit, Results, Start, java_version, machine

STARTS = 3


def main() -> None:
    options = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
    try:
        if options.cluster:
            check_tools("go", "cargo", "kubectl", "minikube")
            check_java()
            measure_cluster(options)
        else:
            check_tools("go", "cargo", "redis-server", "redis-cli", "redis-benchmark")
            check_java()
            measure(options)
    except (Failure, subprocess.CalledProcessError) as e:
        sys.exit(f"bench/run: {e}")
    except KeyboardInterrupt:
        sys.exit("bench/run: interrupted")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser("bench/run", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=positive(int), default=5, help="default: %(default)s")
    parser.add_argument("--seconds", type=positive(float), default=3, help="of each load; default: %(default)s")
    parser.add_argument("--warm-up", type=positive(int), default=300_000, help="POSTs and GETs; default: %(default)s")
    parser.add_argument("--quick", action="store_true", help="a test run of a few minutes")
    peers = [program.name for program in PROGRAMS if program.name != SERVICE]
    parser.add_argument("--cluster", action="store_true", help="measures the application in the cluster")
    parser.add_argument("--only", action="append", choices=peers, metavar="PEER", help=f"one of {', '.join(peers)}")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds, options.warm_up = 1, 1, 5_000
    return options


def positive(number):
    def parse_positive(text: str):
        value = number(text)
        if not value > 0:
            raise ValueError
        return value

    parse_positive.__name__ = f"positive {number.__name__}"
    return parse_positive


def check_tools(*tools: str) -> None:
    for tool in tools:
        if not shutil.which(tool):
            raise Failure(f"{tool} is not on the PATH: install it")


def check_java() -> None:
    if java_version() < 21:
        raise Failure(f"{JAVA} is not a JDK, 21 or later: set JAVA_HOME to one")


def measure_cluster(options: argparse.Namespace) -> None:
    TARGET.mkdir(exist_ok=True)
    install()
    extent = options.rounds, options.seconds
    stored = cluster.memory()
    samples = cluster.measure(*extent, options.warm_up, say)
    programs = chosen(options)
    peers = cluster_peers.section(programs, cluster_peers.measure(programs, *extent, options.warm_up, say), *extent)
    cluster.write(samples, peers, stored, *extent, results_folder(is_whole(options)))


def chosen(options: argparse.Namespace) -> list[Program]:
    return [p for p in PROGRAMS if not options.only or p.name == SERVICE or p.name in options.only]


def is_whole(options: argparse.Namespace) -> bool:
    return not (options.quick or options.only)


def measure(options: argparse.Namespace) -> None:
    programs = chosen(options)
    say(f"Building oha and {', '.join(program.name for program in programs)}")
    TARGET.mkdir(exist_ok=True)
    install()
    for program in programs:
        program.prepare()

    runs = TARGET / "run"
    shutil.rmtree(runs, ignore_errors=True)
    results = Results(machine(), options.rounds, options.seconds)
    with contextlib.ExitStack() as stack:
        redis = stack.enter_context(Redis(runs / "redis"))
        redis.wait()
        servers = start(programs, redis, runs, results, stack)
        say("Warm-up")
        for server in servers:
            for load in (POST, GET):
                warm_up(server.url, load, options.warm_up)
        for round_ in range(1, options.rounds + 1):
            say(f"Round {round_} of {options.rounds}")
            measure_round(round_, servers, redis, options.seconds, results)

    folder = results_folder(is_whole(options))
    results.write(folder)
    table.write(results, folder)
    plots.write(results, folder)
    if is_whole(options):
        table.write_into_readme(results)


def results_folder(whole: bool) -> Path:
    folder = BENCH / "results" if whole else TARGET / "results"
    folder.mkdir(exist_ok=True)
    say(f"Writing to {os.path.relpath(folder)}")
    return folder


def start(programs, redis: Redis, runs: Path, results: Results, stack: contextlib.ExitStack) -> list[Server]:
    """Starts every server several times, in turn, and keeps the last start of each running."""
    servers = []
    for number in range(1, STARTS + 1):
        say(f"Start {number} of {STARTS}")
        for program in programs:
            with contextlib.ExitStack() as this:
                server = this.enter_context(Server(program, redis, runs / program.name / str(number)))
                seconds = server.first_answer()
                time.sleep(1)  # for background work of the start
                results.starts.append(Start(program.name, seconds, server.resident_bytes()))
                if number == STARTS:
                    servers.append(server)
                    stack.push(this.pop_all())
    return servers


def measure_round(round_: int, servers: list[Server], redis: Redis, seconds: float, results: Results) -> None:
    turn = round_ % len(servers)
    in_turn = servers[turn:] + servers[:turn]
    for load in (*CLOSED, HOT):
        for server in in_turn:
            results.measurements.append(drive(server, redis, load, seconds, round_))
    if not results.half_rate:
        results.half_rate = half_of_slowest_peak(results.measurements)
    for rate in (OPEN_RATE, results.half_rate):
        for server in in_turn:
            results.measurements.append(drive(server, redis, open_loop(rate), seconds, round_))
    for load in CONSTANT:
        results.measurements.append(drive(servers[0], redis, load, seconds, round_))
    for connections in CONNECTIONS:
        for pipeline in (1, PIPELINE):
            rate = increments_per_second(redis, connections, pipeline, seconds)
            results.limits.append(Limit(round_, connections, pipeline, rate))


def half_of_slowest_peak(measurements: list[Measurement]) -> int:
    """Half of the POSTs a second of the slowest peer, with its best number of connections."""
    peaks: dict[str, float] = {}
    for measured in measurements:
        if measured.load in CLOSED and measured.load.method == "POST" and measured.server != SERVICE:
            peaks[measured.server] = max(peaks.get(measured.server, 0), measured.answers_per_second)
    return round(min(peaks.values()) / 2)


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


main()
