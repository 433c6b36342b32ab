"""Table 1 of [P] with models of ours beside the paper's, and all that we measure beside it; as tables and a picture."""

from collections.abc import Mapping
from pathlib import Path

from matplotlib.axes import Axes

from analysis.reconstruction.paper import NAMES, PAPER, ROWS
from analysis.shared.bootstrap import Estimate, Measures
from analysis.shared.section import Cell, Table
from model.evaluation import MEASURES
from music.pictures import picture

CAPTION = (
    "Table 1: the share of steps whose state is reconstructed, with 95% intervals over songs, beside the paper's "
    "figures. Its “2-bar melody” stands in the row of the guitar or piano alone; its figures for MusicVAE are those of "
    "MusicVAE's authors, of 16 bars for models of three tracks."
)
BLUE, TEAL, GREEN, GREY, RED = "#1f77b4", "#17becf", "#2ca02c", "#7f7f7f", "#d62728"
STEPS = "share of steps"
PANELS = {
    STEPS: {  # measure: legend, marker, colour
        "accuracy": ("this model: accuracy", "o", BLUE),
        "teacher_forced_accuracy": ("this model, fed the true states before", "D", TEAL),
        "majority": ("baseline: commonest state of each step", "s", GREY),
        "always_hold": ("baseline: hold everywhere", "x", GREY),
    },
    "share of notes": {
        "note_f1": ("this model: F1 of notes", "o", BLUE),
        "onset_accuracy": ("this model: recall (onset accuracy)", "^", GREEN),
        "majority_note_f1": ("baseline, commonest state: F1", "s", GREY),
        "majority_onset_accuracy": ("baseline, commonest state: recall", "v", GREY),
    },
}
HEIGHT = 0.7
"""Inches a row."""
SPREAD = 0.5
"""Of a row's height, over which its points are spread."""


def comparison(models: Mapping[str, Mapping[str, Estimate]]) -> Table:
    """Accuracies of models of ours, by name and then by row of `paper.rows`, beside all of the paper's."""
    cells = {name: {row: text(estimate) for row, estimate in of.items()} for name, of in models.items()}
    for published in PAPER:
        figures = zip(ROWS, published.accuracy, strict=True)
        cells[f"paper: {published.name}"] = {row: f"{value:.3f}" for row, value in figures if value is not None}
    rows = dict.fromkeys([*(row for of in models.values() for row in of), *ROWS])
    return Table(CAPTION, ["", *cells], [[row, *(of.get(row) for of in cells.values())] for row in rows])


def of_all_measures(measures: Measures) -> Table:
    """All measures of one model, by track and mean."""
    names = next(iter(measures.values()))
    return Table(
        "All that was measured, with 95% intervals over songs.",
        ["share of", *(NAMES.get(name, name) for name in names)],
        [[MEASURES[measure], *(text(of[name]) for name in names)] for measure, of in measures.items()],
    )


def text(estimate: Estimate) -> str:
    """The share and its interval."""
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"


def markdown(table: Table) -> str:
    """The table, with its caption above."""
    lines: list[list[Cell]] = [[*table.header], ["---"] * len(table.header), *table.rows]
    cells = [["–" if cell is None else str(cell) for cell in line] for line in lines]
    return "\n".join([table.caption, "", *(f"| {' | '.join(line)} |" for line in cells), ""])


def draw(path: Path, title: str, measures: Measures, paper: Mapping[str, float | None]) -> None:
    """A PNG with states and notes in a panel each, a row a track and mean; paper: its accuracies, where it has any."""
    names = list(measures["accuracy"])
    with picture(path, 12, 2.5 + HEIGHT * len(names)) as figure:
        axes, legends = figure.subplots(2, len(PANELS), sharey="row", height_ratios=[HEIGHT * len(names), 1])
        for axis, legend, (share, styles) in zip(axes, legends, PANELS.items(), strict=True):
            shown = {measure: style for measure, style in styles.items() if measure in measures}
            for place, (measure, (label, marker, colour)) in enumerate(shown.items()):
                offset = SPREAD * (place / (len(shown) - 1) - 0.5)
                _points(axis, [measures[measure][name] for name in names], offset, label, marker, colour)
            if share == STEPS:
                _stars(axis, [paper[name] for name in names])
            axis.set(xlim=(-0.02, 1.02), ylim=(len(names) - 0.5, -0.5), xlabel=share)
            axis.grid(axis="x", linewidth=0.5)
            legend.legend(*axis.get_legend_handles_labels(), loc="upper center")
            legend.set_axis_off()
        axes[0].set_yticks(range(len(names)), [NAMES.get(name, name) for name in names])
        figure.suptitle(title)


def _stars(axis: Axes, values: list[float | None]) -> None:
    known = [(value, row - SPREAD / 2) for row, value in enumerate(values) if value is not None]
    if known:
        axis.plot(*zip(*known, strict=True), linestyle="", marker="*", markersize=12, color=RED,
                  label="the paper: accuracy of such a model")  # fmt: skip


def _points(axis: Axes, estimates: list[Estimate], offset: float, label: str, marker: str, colour: str) -> None:
    values = [of.value for of in estimates]
    errors = [[of.value - of.low for of in estimates], [of.high - of.value for of in estimates]]
    axis.errorbar(values, [row + offset for row in range(len(values))], xerr=errors, linestyle="", marker=marker,
                  color=colour, capsize=3, label=label)  # fmt: skip
