"""The picture of the trade-off: accuracy against how well codes fit the prior, and against what edits keep."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean

from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator

from benchmarks.trade_off.measures import Measures
from benchmarks.trade_off.variants import FLOORS, PULLS, VARIANTS, Trial, Variant
from music.pictures import picture

PANELS = {
    "two_sample": "how often a classifier tells codes from the prior (.5 is best)",
    "edit_note_f1": "note F1 of edited windows with those before (1 is best)",
}
"""The measure along the horizontal axis of each panel, and its label."""
LEFT, RIGHT = 0.48, 1.02
"""The ends of both horizontal axes, one scale for both; a model that is worse than the left end moves it."""
CURVES = {
    "with the floor of noise": (FLOORS, "-"),
    "with the pull toward the prior": (PULLS, ":"),
}
"""The variants along each curve, and the style of its line."""


def draw(path: Path, results: Mapping[Trial, Measures]) -> None:
    """Draws a point for each training, and curves through the means over the seeds."""
    with picture(path, 9.6, 5.2) as figure:
        axes = figure.subplots(1, len(PANELS), sharey=True)
        for axis, (measure, label) in zip(axes, PANELS.items(), strict=True):
            _draw_curves(axis, results, measure)
            for number, variant in enumerate(VARIANTS):
                x, y = zip(*points(results, variant, measure), strict=True)
                axis.plot(x, y, "o", color=f"C{number}", markersize=6, label=variant.name)
            axis.set(xlabel=label, xlim=(min(LEFT, axis.get_xlim()[0]), RIGHT), yscale="log")
            axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.yaxis.set_major_formatter("{x:g}")
            axis.yaxis.set_minor_formatter("")
            axis.grid(linewidth=0.3)
        axes[0].set_ylabel("states that do not come back (0 is best)")
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=5, fontsize="small")


def _draw_curves(axis: Axes, results: Mapping[Trial, Measures], measure: str) -> None:
    for name, (variants, line) in CURVES.items():
        x, y = zip(*(centre(results, variant, measure) for variant in variants), strict=True)
        axis.plot(x, y, line, color="#7f7f7f", linewidth=1.2, label=name)


def points(results: Mapping[Trial, Measures], variant: Variant, measure: str) -> Sequence[tuple[float, float]]:
    """Returns the measure and the share of wrong states of each training of the variant."""
    return [(found[measure], 1 - found["accuracy"]) for trial, found in results.items() if trial.variant == variant]


def centre(results: Mapping[Trial, Measures], variant: Variant, measure: str) -> tuple[float, float]:
    """Returns the means over the trainings of the variant."""
    across, up = zip(*points(results, variant, measure), strict=True)
    return mean(across), mean(up)
