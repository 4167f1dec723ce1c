"""
Measures the service and its peers in the cluster: one pod of each, behind the same nginx, with the same Redis.

The pods are copies of the backend's, and differ in their image, command and probes. All of them run during the whole
measurement. The Service of the backend leads to one of them at a time. The peers know no password, so Redis asks for none
until the end.
"""

import copy
import json
import time
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median

from harness.kubernetes import COMPONENTS, address, cost, in_redis, kubectl
from harness.load import GET, MANY, POST, Load, Report, warm_up
from harness.programs import BENCH, JAVA, ROOT, SERVICE, Program, run
from harness.table import by_group

IMAGE = "user-counter-peers:dev"
LABEL = "bench"
COLUMNS = ["this ÷ it", "p99", "CPU", "of the server"]
# nginx uses no connection for longer (keepalive_time and keepalive_timeout).
CONNECTIONS_END = 6
WITHOUT_PASSWORD = """
export REDISCLI_AUTH=$(cat /run/secrets/redis/password)
redis-cli -e config set protected-mode no
redis-cli -e acl setuser default nopass
"""
WITH_PASSWORD = """
redis-cli -e acl setuser default resetpass ">$(cat /run/secrets/redis/password)"
export REDISCLI_AUTH=$(cat /run/secrets/redis/password)
redis-cli -e config set protected-mode yes
"""


@dataclass(frozen=True)
class Sample:
    """A load on a server: CPU seconds of all pods of each component."""

    server: str
    load: Load
    report: Report
    cpu_seconds: dict[str, float]


def measure(programs: list[Program], rounds: int, seconds: float, warm_up_requests: int, say) -> list[Sample]:
    say(f"Building an image with {', '.join(program.name for program in programs if program.name != SERVICE)}")
    for program in programs:
        if program.name != SERVICE:
            program.prepare()
    run(["minikube", "image", "build", "-t", IMAGE, "-f", "Containerfile", str(BENCH)], ROOT)

    url = f"http://{address()}"
    samples = []
    with _running(programs):
        for program in programs:
            say(f"Warm-up of {program.name}")
            _lead_to(program.name)
            for load in (POST, GET):
                warm_up(url, load, warm_up_requests)
        for round_ in range(rounds):
            say(f"Round {round_ + 1} of {rounds}: behind nginx")
            turn = round_ * len(programs) // rounds
            for program in programs[turn:] + programs[:turn]:
                _lead_to(program.name)
                samples += [_sample(url, program.name, load, seconds) for load in (POST, GET)]
    return samples


def _sample(url: str, server: str, load: Load, seconds: float) -> Sample:
    return Sample(server, load, *cost(url, load, seconds, f"{LABEL}={server}"))


@contextmanager
def _running(programs: list[Program]):
    backend = json.loads(kubectl("get", "deployment", "backend", "-o", "json"))
    try:
        in_redis(WITHOUT_PASSWORD)
        for program in programs:
            kubectl("apply", "--filename=-", standard_input=json.dumps(_deployment(program, backend)))
        for program in programs:
            kubectl("rollout", "status", f"deployment/{LABEL}-{program.name}", "--timeout=2m")
        yield
    finally:
        _lead_to(None)
        kubectl("delete", "deployments", "-l", LABEL, "--ignore-not-found")
        in_redis(WITH_PASSWORD)


def _lead_to(server: str | None) -> None:
    """The Service of the backend leads to the pods of this server only; to all backends if there is none."""
    kubectl("patch", "service", "app", "--type=merge", "-p", json.dumps({"spec": {"selector": {LABEL: server}}}))
    time.sleep(CONNECTIONS_END)


def _deployment(program: Program, backend: dict) -> dict:
    """A Deployment of one pod, from that of the backend."""
    template = copy.deepcopy(backend["spec"]["template"])
    labels = template["metadata"]["labels"]
    labels[LABEL] = program.name
    if program.name != SERVICE:
        _run(program, template["spec"])
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": f"{LABEL}-{program.name}", "labels": labels},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template},
    }


def _run(program: Program, pod: dict) -> None:
    container = pod["containers"][0]
    port = container["ports"][0]["containerPort"]
    variables = {
        **program.environment,
        "PORT": str(port),
        "REDIS_URL": "redis:6379",
        # Of Liberty. The root file system is read-only.
        "WLP_OUTPUT_DIR": "/output",
        "LOG_DIR": "/output/logs",
    }
    answers = {"httpGet": {"port": port, "path": "/healthz"}, "periodSeconds": 1, "failureThreshold": 120}
    for field in ("envFrom", "livenessProbe", "readinessProbe"):
        container.pop(field, None)
    container.update(
        image=IMAGE,
        imagePullPolicy="Never",
        command=[_in_image(argument) for argument in program.command],
        workingDir="/tmp",
        env=[{"name": name, "value": value} for name, value in variables.items()],
        startupProbe=answers,
        # Some unpack themselves, and some need more memory than the service.
        resources={"requests": {"cpu": "10m"}, "limits": {"memory": "1Gi", "ephemeral-storage": "1Gi"}},
    )
    for volume in pod["volumes"]:
        volume.get("emptyDir", {}).pop("sizeLimit", None)


def _in_image(argument: str) -> str:
    return "java" if argument == str(JAVA) else argument.replace(str(BENCH), "/bench")


def section(programs: list[Program], samples: list[Sample], rounds: int, seconds: float) -> list[str]:
    """The parts of the page."""
    failed = sum(sample.report.failed for sample in samples)
    header = ["server", "POST/s", *COLUMNS, "GET/s", *COLUMNS]
    servers = [program.name for program in programs]
    return [
        "# Behind the same nginx",
        f"The service and its peers: one pod of each, the same frontends, the same Redis. {MANY} connections to the "
        f"LoadBalancer; medians of {rounds} rounds of {seconds:g} s for each load. `this ÷ it` compares requests a second "
        "of the same round. The CPU time of a request is in µs: of frontend, server and Redis together, and of the "
        f"server. Requests not answered 200: {failed}.",
        by_group(servers, header, lambda server: _cells(server, samples)),
    ]


def _cells(server: str, samples: list[Sample]) -> list[str]:
    cells = []
    for load in (POST, GET):
        own = [sample for sample in samples if (sample.server, sample.load) == (server, load)]
        service = [sample for sample in samples if (sample.server, sample.load) == (SERVICE, load)]
        cells += [
            f"{median(map(_rate, own)):,.0f}",
            f"{median(_rate(this) / _rate(it) for this, it in zip(service, own, strict=True)):.2f}",
            f"{median(sample.report.p99 for sample in own):.0f} ms",
            f"{median(_micros(sample, *COMPONENTS) for sample in own):.0f}",
            f"{median(_micros(sample, 'backend') for sample in own):.0f}",
        ]
    return cells


def _rate(sample: Sample) -> float:
    return sample.report.answers_per_second


def _micros(sample: Sample, *components: str) -> float:
    return sample.report.for_each(sum(sample.cpu_seconds[component] for component in components))
