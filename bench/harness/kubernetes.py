"""The deployment in the cluster of the current kubeconfig: its address, its pods, and what a load costs them."""

import json
import os

from harness.load import Load, Report, put_under_load
from harness.programs import BENCH, Failure, run

COMPONENTS = ["frontend", "backend", "redis"]


def kubectl(*arguments: str, standard_input: str | None = None) -> str:
    return run(["kubectl", "--namespace", "user-counter", *arguments], BENCH, standard_input)


def address() -> str:
    found = kubectl("get", "service", "nginx", "-o", "jsonpath={.status.loadBalancer.ingress[0].ip}")
    if not found:
        raise Failure("The Service nginx has no address: on minikube, start 'minikube tunnel' in another terminal")
    return found


def pods(component: str, *labels: str) -> list[str]:
    """The names of the pods. Terminating pods are at the end."""
    selector = ",".join([f"app.kubernetes.io/name={component}", *labels])
    found = json.loads(kubectl("get", "pods", "-l", selector, "-o", "json"))["items"]
    found.sort(key=lambda pod: "deletionTimestamp" in pod["metadata"])
    return [pod["metadata"]["name"] for pod in found]


def cost(url: str, load: Load, seconds: float, *labels_of_backends: str) -> tuple[Report, dict[str, float]]:
    """Puts the deployment under load for some time; with the report, the CPU seconds of all pods of each component."""
    before = _cpu_seconds(*labels_of_backends)
    report = put_under_load(url, load, seconds)
    after = _cpu_seconds(*labels_of_backends)
    return report, {component: after[component] - before[component] for component in COMPONENTS}


def _cpu_seconds(*labels_of_backends: str) -> dict[str, float]:
    """CPU time of the running processes of each component and their terminated children (proc_pid_stat(5))."""
    labels = {"backend": labels_of_backends}
    return {
        component: sum(map(_pod_cpu_seconds, pods(component, *labels.get(component, ())))) for component in COMPONENTS
    }


def _pod_cpu_seconds(pod: str) -> float:
    processes = kubectl("exec", pod, "--", "sh", "-c", "cat /proc/[0-9]*/stat 2>/dev/null || true").splitlines()
    # utime, stime, cutime and cstime: fields after the program's name, which may contain spaces.
    ticks = sum(sum(map(int, process.rpartition(")")[2].split()[11:15])) for process in processes)
    return ticks / os.sysconf("SC_CLK_TCK")


def processors() -> int:
    nodes = json.loads(kubectl("get", "nodes", "-o", "json"))["items"]
    return max(int(node["status"]["capacity"]["cpu"]) for node in nodes)


def in_redis(script: str, *arguments: str) -> str:
    return kubectl("exec", "redis-0", "--container=redis", "--", "sh", "-c", script, "sh", *arguments)
