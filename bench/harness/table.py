"""The tables of results.md, and the table in README.md."""

import re
from collections.abc import Callable
from pathlib import Path

from harness.load import CLOSED, CONNECTIONS, CONSTANT, GET, MANY, OPEN_RATE, PIPELINE, POST, Load, open_loop
from harness.programs import ROOT, SERVICE, Failure, groups
from harness.results import MEBIBYTE, Results, Spread

FIGURES = [
    ("", "answers_per_second", "{:,.0f}"),
    ("p50", "p50", "{:.1f}"),
    ("p99", "p99", "{:.1f}"),
    ("p99.9", "p999", "{:.1f}"),
    ("CPU", "server_cpu", "{:.0f}"),
]


def write(results: Results, folder: Path) -> None:
    parts = [
        "# This service beside its peers",
        conditions(results),
        f"## At {MANY} connections",
        "Requests a second, latencies in ms, and the server's CPU time for one request in µs.",
        loads(results, {"POST": POST, "GET": GET}),
        "## This service in its group",
        "The place of this service among the servers of its group, and its figure divided by that of the best other "
        "server, of the same round: median (lowest to highest). More requests a second are better, and less of p99 and "
        "CPU time for one request.",
        places(results),
        "## This service in proportion to its peers",
        "This service's figure divided by the peer's of the same round: median (lowest to highest). Requests a second "
        "by number of connections, where more than 1 is more:",
        throughput_ratios(results),
        f"The rest, where less than 1 is less: CPU time for one request and p99 at {MANY} connections, p99 at "
        f"{OPEN_RATE:,} POSTs a second (open loop), memory after the load, seconds to the first answer.",
        cost_ratios(results),
        "## One hot user",
        f"All POSTs of {MANY} connections to one id, divided by the same server's POSTs to many.",
        hot(results),
        "## Open loop",
        f"POSTs come at a fixed rate, whatever the answers do: {OPEN_RATE:,} a second, and {results.half_rate:,}, half "
        "of what the slowest peer can do at most. Latencies count from when a request was due.",
        loads(results, {f"{rate:,}/s": open_loop(rate) for rate in (OPEN_RATE, results.half_rate)}),
        "## Memory and start",
        "Resident memory in MiB after a start and at most after a load; seconds from start to first answer.",
        memory_and_start(results),
        "## Limits",
        "What there is to reach, in requests a second: redis-benchmark's INCR without any service between, "
        f"one by one and {PIPELINE} in a pipeline, and `GET /healthz` of this service, a constant.",
        limits(results),
    ]
    (folder / "results.md").write_text("\n\n".join(parts) + "\n")


def write_into_readme(results: Results) -> None:
    """Replaces the table in bench/README.md."""
    readme = ROOT / "bench" / "README.md"
    text, found = re.subn(
        r"(?<=<!-- bench/run writes this table -->\n).*?(?=\n\n)",
        lambda _: summary(results),
        readme.read_text(),
        flags=re.DOTALL,
    )
    if found != 1:
        raise Failure(f"{readme} needs one comment '<!-- bench/run writes this table -->', but has {found}: add it")
    readme.write_text(text)


def summary(results: Results) -> str:
    header = ["server", "POST/s", "this ÷ it", "p99", "GET/s", "this ÷ it", "p99", "memory", "start"]

    def cells(server: str) -> list[str]:
        cells = []
        for load in (POST, GET):
            cells.append(f"{results.median(server, load, 'answers_per_second'):,.0f}")
            cells.append(f"{results.to_peer(server, load, 'answers_per_second').median:.2f}")
            cells.append(f"{results.median(server, load, 'p99'):.0f} ms")
        cells.append(f"{results.loaded(server) / MEBIBYTE:.0f} MiB")
        cells.append(f"{results.start_seconds(server).median:.1f} s")
        return cells

    return by_group(results.servers(), header, cells)


def conditions(results: Results) -> str:
    machine = "\n".join(f"- {name}: {value}" for name, value in results.machine.items())
    generator = [m.generator_cpu for m in results.measurements if m.load in CLOSED]
    failed = {server: sum(m.failed for m in results.measurements if m.server == server) for server in results.servers()}
    return (
        f"Medians of {results.rounds} rounds of {results.seconds:g} s for each load; load generator, Redis and servers "
        f"shared the machine:\n\n{machine}\n\n"
        f"The load generator itself took {Spread.of(generator).median:.0f} µs of CPU time for a request. No answered "
        f"increment was lost. Requests not answered 200: "
        + ", ".join(f"{server} {count}" for server, count in failed.items())
        + "."
    )


def loads(results: Results, columns: dict[str, Load]) -> str:
    header = ["server", *(f"{column} {name}".strip() for column in columns for name, _, _ in FIGURES)]
    return by_group(
        results.servers(),
        header,
        lambda server: [
            form.format(results.median(server, load, figure))
            for load in columns.values()
            for _, figure, form in FIGURES
        ],
    )


def places(results: Results) -> str:
    header = ["connections", *map(str, CONNECTIONS)]
    figures = {"requests/s": "answers_per_second", "p99": "p99", "CPU": "server_cpu"}
    rows = [
        [f"{method} {name}", *(place(results, Load(method, connections), figure) for connections in CONNECTIONS)]
        for name, figure in figures.items()
        for method in ("POST", "GET")
    ]
    return table(header, rows)


def place(results: Results, load: Load, figure: str) -> str:
    """This service's place in its group, and its proportion to the best other server."""
    more_is_better = figure == "answers_per_second"
    ratios = {rival: results.to_peer(rival, load, figure) for rival in results.rivals()}
    if not ratios:
        return "1 of 1"
    better = sum(to.median < 1 if more_is_better else to.median > 1 for to in ratios.values())
    best = (min if more_is_better else max)(ratios, key=lambda rival: ratios[rival].median)
    return f"{better + 1} of {len(ratios) + 1}; {best} {ratio(ratios[best])}"


def throughput_ratios(results: Results) -> str:
    header = ["peer", *(f"{load.method} {load.connections}" for load in CLOSED)]
    return by_group(
        results.peers(),
        header,
        lambda peer: [ratio(results.to_peer(peer, load, "answers_per_second")) for load in CLOSED],
    )


def cost_ratios(results: Results) -> str:
    header = ["peer", "POST CPU", "GET CPU", "POST p99", "GET p99", f"p99 at {OPEN_RATE:,}/s", "memory", "start"]
    return by_group(
        results.peers(),
        header,
        lambda peer: [
            ratio(results.to_peer(peer, POST, "server_cpu")),
            ratio(results.to_peer(peer, GET, "server_cpu")),
            ratio(results.to_peer(peer, POST, "p99")),
            ratio(results.to_peer(peer, GET, "p99")),
            ratio(results.to_peer(peer, open_loop(OPEN_RATE), "p99")),
            f"{results.loaded(SERVICE) / results.loaded(peer):.2f}",
            f"{results.start_seconds(SERVICE).median / results.start_seconds(peer).median:.2f}",
        ],
    )


def hot(results: Results) -> str:
    return by_group(
        results.servers(),
        ["server", "POST/s", "p99"],
        lambda server: [ratio(results.hot_to_many(server, figure)) for figure in ("answers_per_second", "p99")],
    )


def memory_and_start(results: Results) -> str:
    def cells(server: str) -> list[str]:
        start = results.start_seconds(server)
        return [
            f"{results.idle(server) / MEBIBYTE:.0f}",
            f"{results.loaded(server) / MEBIBYTE:.0f}",
            f"{start.median:.2f} ({start.lowest:.2f} to {start.highest:.2f})",
        ]

    return by_group(results.servers(), ["server", "idle", "loaded", "start"], cells)


def limits(results: Results) -> str:
    header = ["connections", "INCR", f"INCR, {PIPELINE} in a pipeline", "GET /healthz"]
    rows = [
        [
            str(load.connections),
            f"{results.limit(load.connections, 1):,.0f}",
            f"{results.limit(load.connections, PIPELINE):,.0f}",
            f"{results.median(SERVICE, load, 'answers_per_second'):,.0f}",
        ]
        for load in CONSTANT
    ]
    return table(header, rows)


def by_group(servers: list[str], header: list[str], cells: Callable[[str], list[str]]) -> str:
    """A table with a row for each of the servers, and a heading for each group."""
    rows = []
    for group, members in groups(servers).items():
        rows.append([f"**{group}**", *[""] * (len(header) - 1)])
        rows += [[server, *cells(server)] for server in members]
    return table(header, rows)


def ratio(spread: Spread) -> str:
    return f"{spread.median:.2f} ({spread.lowest:.2f} to {spread.highest:.2f})"


def table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
