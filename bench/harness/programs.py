"""What is measured: this service and its peers, how each is built and how it is started."""

import os
import subprocess
import tarfile
from dataclasses import dataclass, field
from pathlib import Path

BENCH = Path(__file__).resolve().parent.parent
ROOT = BENCH.parent
TARGET = BENCH / "target"
PEERS = BENCH / "peers"
JAVA = Path(os.environ.get("JAVA_HOME", "")) / "bin" / "java"

SERVICE = "user-counter"

# The heap and the collector of the service's pod, for all alike: a JVM that has 512 MiB begins with 8 MiB of heap, and
# on a processor or with little memory chooses this collector itself.
JAVA_ENVIRONMENT = {"JAVA_TOOL_OPTIONS": "-Xms8m -Xmx256m -XX:+UseSerialGC"}


class Failure(Exception):
    """What ends the benchmark; its message is for the person who runs it."""


@dataclass(frozen=True)
class Program:
    """A server, whose environment says PORT and REDIS_URL."""

    name: str
    build: list[str]
    folder: Path
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    archive: Path | None = None

    def prepare(self):
        """Builds it, and unpacks what it was packed into."""
        run(self.build, self.folder)
        if self.archive:
            with tarfile.open(self.archive) as archive:
                archive.extractall(TARGET / self.name, filter="tar")


def run(command: list[str], folder: Path) -> str:
    """Runs a command to its end and returns its output; all that it prints is shown if it fails."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure(f"{done.stdout}{done.stderr}\n'{' '.join(command)}' failed in {folder.relative_to(ROOT) or '.'}")
    return done.stdout


def maven(*arguments: str) -> list[str]:
    # Tests are for 'verify'.
    return [str(ROOT / "mvnw"), "--batch-mode", "--no-transfer-progress", "-DskipTests", *arguments, "package"]


def go(name: str) -> Program:
    binary = str(TARGET / name)
    return Program(name, ["go", "build", "-o", binary, "."], PEERS / name, [binary])


def java(name: str, jar: str) -> Program:
    folder = PEERS / name
    return Program(name, maven(), folder, [str(JAVA), "-jar", str(folder / "target" / jar)], JAVA_ENVIRONMENT)


def liberty(name: str, build: list[str], folder: Path, target: Path) -> Program:
    home = TARGET / name / "wlp"
    return Program(
        name,
        build,
        folder,
        [str(home / "bin" / "server"), "run", name],
        # As the service's image is set: the agent serves diagnostics that are not used.
        JAVA_ENVIRONMENT | {"WLP_SKIP_BOOTSTRAP_AGENT": "true"},
        target / f"{name}.tar.gz",
    )


PROGRAMS = [
    liberty(SERVICE, maven("--projects", "app"), ROOT, ROOT / "app" / "target"),
    go("echo-radix"),
    go("echo-go-redis"),
    java("quarkus", "quarkus-app/quarkus-run.jar"),
    java("spring", "spring.jar"),
    liberty("liberty-naive", maven(), PEERS / "liberty-naive", PEERS / "liberty-naive" / "target"),
]
