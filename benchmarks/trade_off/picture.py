"""The picture of the trade-off: accuracy against how well codes fit the prior, and against what edits keep."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean

from matplotlib.axes import Axes

from benchmarks.trade_off.measures import Measures
from benchmarks.trade_off.variants import FLOORS, PULLS, VARIANTS, Trial, Variant
from music.pictures import picture

PANELS = {
    "two_sample": "accuracy of a classifier that tells codes from the prior (.5 is best)",
    "edit_note_f1": "note F1 of edited windows with those before (1 is best)",
}
"""The measure along the horizontal axis of each panel, and its label."""
CURVES = (("floor of noise, rising", FLOORS, "C0"), ("pull to the prior, rising", PULLS, "C1"))


def draw(path: Path, results: Mapping[Trial, Measures]) -> None:
    """Draws a point for each training, and two curves through the means over the seeds."""
    with picture(path, 10, 4.6) as figure:
        axes = figure.subplots(1, len(PANELS), sharey=True)
        for axis, (measure, label) in zip(axes, PANELS.items(), strict=True):
            for name, variants, colour in CURVES:
                means = [centre(results, variant, measure) for variant in variants]
                axis.plot(*zip(*means, strict=True), color=colour, linewidth=1, label=name)
            for variant in VARIANTS:
                _draw_variant(axis, results, variant, measure)
            axis.set_xlabel(label)
            axis.grid(linewidth=0.3)
        axes[0].set_ylabel("accuracy")
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(CURVES))


def points(results: Mapping[Trial, Measures], variant: Variant, measure: str) -> Sequence[tuple[float, float]]:
    """Returns the measure and the accuracy of each training of the variant."""
    return [(found[measure], found["accuracy"]) for trial, found in results.items() if trial.variant == variant]


def centre(results: Mapping[Trial, Measures], variant: Variant, measure: str) -> tuple[float, float]:
    """Returns the means over the trainings of the variant."""
    across, up = zip(*points(results, variant, measure), strict=True)
    return mean(across), mean(up)


def _draw_variant(axis: Axes, results: Mapping[Trial, Measures], variant: Variant, measure: str) -> None:
    axis.plot(*zip(*points(results, variant, measure), strict=True), "o", color="black", markersize=4)
    axis.annotate(variant.name, centre(results, variant, measure), xytext=(6, 4), textcoords="offset points")
