"""The measured servers: this service and its peers, with the commands that build and start them."""

import os
import subprocess
import tarfile
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

BENCH = Path(__file__).resolve().parent.parent
ROOT = BENCH.parent
TARGET = BENCH / "target"
PEERS = BENCH / "peers"
JAVA = Path(os.environ.get("JAVA_HOME", "")) / "bin" / "java"

SERVICE = "user-counter"

# A server of Jakarta EE runs the WAR of an application. The other Java stacks are libraries of an application.
JAKARTA_EE, OTHER_JAVA, GO = "Jakarta EE servers", "other Java", "Go"

# The heap and garbage collector of the service's pod, for all servers: with 512 MiB, a JVM starts with 8 MiB of heap.
# With one processor or little memory, it chooses this collector by default.
JAVA_ENVIRONMENT = {"JAVA_TOOL_OPTIONS": "-Xms8m -Xmx256m -XX:+UseSerialGC"}


class Failure(Exception):
    """An error that ends the benchmark, with a message for the user."""


@dataclass(frozen=True)
class Program:
    """A server that reads PORT and REDIS_URL from the environment."""

    group: str
    name: str
    build: list[str]
    folder: Path
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    archive: Path | None = None

    def prepare(self):
        """Builds the server, and unpacks its archive if there is one."""
        run(self.build, self.folder)
        if self.archive:
            with tarfile.open(self.archive) as archive:
                archive.extractall(TARGET / self.name, filter="tar")


def run(command: list[str], folder: Path, standard_input: str | None = None) -> str:
    """Runs a command and returns its output. If it fails, the Failure contains all output."""
    done = subprocess.run(command, cwd=folder, input=standard_input, capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure(f"{done.stdout}{done.stderr}\n'{' '.join(command)}' failed in {folder.relative_to(ROOT) or '.'}")
    return done.stdout


def maven(*arguments: str) -> list[str]:
    # 'verify' runs the tests.
    return [str(ROOT / "mvnw"), "--batch-mode", "--no-transfer-progress", "-DskipTests", *arguments, "package"]


def go(name: str) -> Program:
    binary = str(TARGET / name)
    return Program(GO, name, ["go", "build", "-o", binary, "."], PEERS / name, [binary])


def java(group: str, name: str, jar: str, *arguments: str) -> Program:
    folder = PEERS / name
    command = [str(JAVA), "-jar", str(folder / "target" / jar), *arguments]
    return Program(group, name, maven(), folder, command, JAVA_ENVIRONMENT)


def liberty(name: str, build: list[str], folder: Path, target: Path) -> Program:
    home = TARGET / name / "wlp"
    return Program(
        JAKARTA_EE,
        name,
        build,
        folder,
        [str(home / "bin" / "server"), "run", name],
        # The same setting as in the service's image: the agent is for diagnostics that are not used.
        JAVA_ENVIRONMENT | {"WLP_SKIP_BOOTSTRAP_AGENT": "true"},
        target / f"{name}.tar.gz",
    )


def wildfly() -> Program:
    # Unpacks itself into the folder of its run. Listens on all addresses like the others. No fixed port for the management.
    options = ["--install-dir=server", "-b=0.0.0.0", "-Djboss.management.http.port=0"]
    return java(JAKARTA_EE, "wildfly", "wildfly.jar", *options)


def payara_micro() -> Program:
    folder = PEERS / "payara-micro"
    # Unpacks itself into the folder of its run. It looks for no cluster, and sends no statistics to its makers.
    options = ["--rootdir", "server", "--nohazelcast", "--disablephonehome"]
    options += ["--prebootcommandfile", str(folder / "src" / "main" / "payara" / "before-start.txt")]
    return java(JAKARTA_EE, folder.name, "payara-micro.jar", *options, str(folder / "target" / "ROOT.war"))


PROGRAMS = [
    liberty(SERVICE, maven("--projects", "app"), ROOT, ROOT / "app" / "target"),
    liberty("liberty-naive", maven(), PEERS / "liberty-naive", PEERS / "liberty-naive" / "target"),
    wildfly(),
    payara_micro(),
    java(OTHER_JAVA, "helidon-mp", "helidon-mp.jar"),
    java(OTHER_JAVA, "quarkus", "quarkus-app/quarkus-run.jar"),
    java(OTHER_JAVA, "quarkus-jedis", "quarkus-app/quarkus-run.jar"),
    java(OTHER_JAVA, "spring", "spring.jar"),
    go("echo-radix"),
    go("echo-go-redis"),
]


def groups(servers: Collection[str]) -> dict[str, list[str]]:
    """The servers of each group, in the order of PROGRAMS."""
    chosen = [program for program in PROGRAMS if program.name in servers]
    return {
        group: [program.name for program in chosen if program.group == group]
        for group in dict.fromkeys(program.group for program in chosen)
    }
