"""SVG plots of the results, readable on light and dark pages."""

from pathlib import Path

import matplotlib
from matplotlib import pyplot
from matplotlib.ticker import FuncFormatter

from harness.load import CONNECTIONS, Load
from harness.programs import SERVICE
from harness.results import MEBIBYTE, Results

GREY = "#808890"
PEER_COLOURS = [
    "#a97bdb", "#d65fa0", "#d08c1d", "#8a5a3c", "#2f9e77", "#7fb13c", "#3fb8af", "#8c8c8c", "#4c9be8",
]  # fmt: skip
SERVICE_COLOUR = "#e0492f"

matplotlib.use("svg")
matplotlib.rcParams |= {
    "axes.edgecolor": GREY,
    "axes.labelcolor": GREY,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": GREY,
    "figure.dpi": 100,
    "font.family": "sans-serif",
    "grid.alpha": 0.3,
    "grid.color": GREY,
    "legend.frameon": False,
    "legend.labelcolor": GREY,
    "savefig.transparent": True,
    "svg.fonttype": "none",
    "svg.hashsalt": "user-counter",
    "xtick.color": GREY,
    "ytick.color": GREY,
}


def write(results: Results, folder: Path) -> None:
    by_connections(results, "answers_per_second", "requests a second", folder / "throughput.svg")
    by_connections(results, "p99", "p99 in ms", folder / "latency.svg", logarithmic=True)
    memory_and_start(results, folder / "memory-and-start.svg")


def colours(results: Results) -> dict[str, str]:
    return {SERVICE: SERVICE_COLOUR} | dict(zip(results.peers(), PEER_COLOURS, strict=False))


def by_connections(results: Results, figure: str, label: str, file: Path, logarithmic: bool = False) -> None:
    plot, panels = pyplot.subplots(1, 2, figsize=(9, 3.8), sharey=True, layout="constrained")
    for panel, method in zip(panels, ("POST", "GET"), strict=True):
        for server, colour in colours(results).items():
            ours = server == SERVICE
            medians = [results.median(server, Load(method, connections), figure) for connections in CONNECTIONS]
            panel.plot(
                CONNECTIONS, medians, label=server, color=colour, marker="o", markersize=4,
                linewidth=3 if ours else 1.5, zorder=3 if ours else 2,
            )  # fmt: skip
        panel.set_title(f"{method} /users/{{id}}")
        panel.set_xscale("log", base=4)
        panel.set_xticks(CONNECTIONS, [str(connections) for connections in CONNECTIONS])
        panel.set_xlabel("connections")
        panel.grid(axis="y")
    if logarithmic:
        panels[0].set_yscale("log")
    panels[0].yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    panels[0].set_ylabel(label)
    plot.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=5)
    save(plot, file)


def memory_and_start(results: Results, file: Path) -> None:
    plot, (memory, start) = pyplot.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
    servers = list(reversed(results.servers()))
    bar_colours = [colours(results)[server] for server in servers]
    loaded, idle = ([of(server) / MEBIBYTE for server in servers] for of in (results.loaded, results.idle))
    memory.barh(servers, loaded, color=bar_colours, alpha=0.45)
    memory.barh(servers, idle, color=bar_colours)
    memory.set_title("resident memory in MiB: idle, and (light) loaded")
    start.barh(servers, [results.start_seconds(server).median for server in servers], color=bar_colours)
    start.set_title("seconds from start to first answer")
    for panel in (memory, start):
        panel.grid(axis="x")
        panel.set_axisbelow(True)
    save(plot, file)


def save(plot, file: Path) -> None:
    plot.savefig(file, metadata={"Date": None})
    pyplot.close(plot)
