"""Table 1 of [P] with models of ours beside the paper's, and all other measures of a model; as tables and a picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes

from analysis.reconstruction.paper import COLUMN_NAMES, PAPER, ROWS
from analysis.shared.bootstrap import Estimate, Measures
from analysis.shared.prose import Prose
from analysis.shared.section import Cell, Table
from model.evaluation import MEASURES
from music.pictures import picture

PROSE = Prose(__file__)
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
"""The height of a row of the picture, in inches."""
POINTS_HEIGHT = 0.5
"""The share of a row's height over which its points are distributed."""


def comparison_table(models: Mapping[str, Mapping[str, Estimate]]) -> Table:
    """Returns Table 1 with the accuracies of our models beside all of the paper's.

    models: by the name of the model and then by the row of Table 1 as `paper.row_names` names it.
    """
    cells = {name: {row: estimate.text() for row, estimate in estimates.items()} for name, estimates in models.items()}
    for published in PAPER:
        accuracies = zip(ROWS, published.accuracy, strict=True)
        cells[f"paper: {published.name}"] = {row: f"{value:.3f}" for row, value in accuracies if value is not None}
    rows = dict.fromkeys([*(row for estimates in models.values() for row in estimates), *ROWS])
    return Table(
        PROSE.text("table1_caption"),
        ["", *cells],
        [[row, *(column.get(row) for column in cells.values())] for row in rows],
    )


def all_measures_table(measures: Measures) -> Table:
    """Returns all measures of one model, by track and mean."""
    names = next(iter(measures.values()))
    return Table(
        PROSE.text("all_measures_caption"),
        ["share of", *(COLUMN_NAMES.get(name, name) for name in names)],
        [[MEASURES[measure], *(estimates[name].text() for name in names)] for measure, estimates in measures.items()],
    )


def markdown(table: Table) -> str:
    """Returns the table in Markdown, under its caption."""
    lines = [_markdown_row(row) for row in (table.header, ["---"] * len(table.header), *table.rows)]
    return "\n".join([table.caption, "", *lines, ""])


def _markdown_row(cells: Sequence[Cell]) -> str:
    texts = ["–" if cell is None else str(cell).replace("|", r"\|") for cell in cells]
    return f"| {' | '.join(texts)} |"


def draw_points(path: Path, title: str, measures: Measures, paper: Mapping[str, float | None]) -> None:
    """Draws states and notes in a panel each, with a row for each track and mean.

    paper: the accuracies of the paper's model by track and mean, None where it has no figure.
    """
    names = list(measures["accuracy"])
    with picture(path, 12, 2.5 + HEIGHT * len(names)) as figure:
        axes, legends = figure.subplots(2, len(PANELS), sharey="row", height_ratios=[HEIGHT * len(names), 1])
        for axis, legend, (share, styles) in zip(axes, legends, PANELS.items(), strict=True):
            shown = {measure: style for measure, style in styles.items() if measure in measures}
            for place, (measure, style) in enumerate(shown.items()):
                offset = POINTS_HEIGHT * (place / (len(shown) - 1) - 0.5)
                _draw_measure(axis, [measures[measure][name] for name in names], offset, style)
            if share == STEPS:
                _draw_stars(axis, [paper[name] for name in names])
            axis.set(xlim=(-0.02, 1.02), ylim=(len(names) - 0.5, -0.5), xlabel=share)
            axis.grid(axis="x", linewidth=0.5)
            legend.legend(*axis.get_legend_handles_labels(), loc="upper center")
            legend.set_axis_off()
        axes[0].set_yticks(range(len(names)), [COLUMN_NAMES.get(name, name) for name in names])
        figure.suptitle(title)


def _draw_stars(axis: Axes, accuracies: list[float | None]) -> None:
    known = [(value, row - POINTS_HEIGHT / 2) for row, value in enumerate(accuracies) if value is not None]
    if known:
        axis.plot(*zip(*known, strict=True), linestyle="", marker="*", markersize=12, color=RED,
                  label="the paper: accuracy of such a model")  # fmt: skip


def _draw_measure(axis: Axes, estimates: list[Estimate], offset: float, style: tuple[str, str, str]) -> None:
    label, marker, colour = style
    values = [estimate.value for estimate in estimates]
    errors = [
        [estimate.value - estimate.low for estimate in estimates],
        [estimate.high - estimate.value for estimate in estimates],
    ]
    axis.errorbar(values, [row + offset for row in range(len(values))], xerr=errors, linestyle="", marker=marker,
                  color=colour, capsize=3, label=label)  # fmt: skip
