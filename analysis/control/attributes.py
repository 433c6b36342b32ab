"""The first half of the section on control: moves along attributes."""

from collections.abc import Mapping
from dataclasses import astuple
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from analysis.control.attribute_moves import (
    AttributeControl,
    AttributeMove,
    attribute_control,
    mean_changes,
    move_attribute,
)
from analysis.control.config import ControlConfig
from analysis.control.pictures import draw_attribute_moves, draw_matrices
from analysis.shared.bootstrap import estimate, interval_metrics, mean_statistic, table_cell
from analysis.shared.clips import Panels, draw_with_clips
from analysis.shared.context import EvaluationContext
from analysis.shared.moves.sample import MovedSample
from analysis.shared.prose import Prose
from analysis.shared.section import PICTURES, Figure, Section, Table, write_plot_rows
from model.editing.measured import measured_attributes
from model.latent import moved
from music.arrays import FloatArray
from music.metrics import METRICS

TITLE = "Along attributes"
PANELS = 5
PROSE = Prose(__file__)


def attribute_section(context: EvaluationContext, sample: MovedSample, config: ControlConfig, out: Path) -> Section:
    """Moves the sample's windows along each attribute."""
    tracks = context.description.model.tracks
    training = measured_attributes(sample.training.tokens, tracks, config.attributes)
    scales = {name: float(np.nanstd(values)) for name, values in training.items() if np.isfinite(values).sum() > 1}
    usable = [name for name in config.attributes if scales.get(name, 0.0) > 0]
    real = measured_attributes(sample.windows.tokens, tracks, usable)
    moves, controls = {}, {}
    for name in usable:
        move = move_attribute(
            context, (sample.training_codes, training[name]), (sample.codes, real[name]), usable, config.levels
        )
        control = attribute_control(name, move, config.levels, scales, sample.weights)
        if control:
            moves[name], controls[name] = move, control
    missing = _missing(config, usable, list(controls))
    _write_plot_rows(controls, out)
    if not controls:
        return Section(TITLE, [], {}, missing=missing)
    first = next(iter(controls))
    figures = [
        _curves(moves, sample, config, out),
        _matrices(moves, training, scales, out),
        _clips(context, sample, (first, moves[first].step), config, out),
    ]
    text = [PROSE.text("attribute_moves", sample=sample, levels=config.levels), PROSE.text("attribute_metrics")]
    return Section(TITLE, text, _metrics(controls), figures, [_table(moves, controls, config)], missing)


def _missing(config: ControlConfig, usable: list[str], done: list[str]) -> list[str]:
    constant = [name for name in config.attributes if name not in usable]
    lost = [name for name in usable if name not in done]
    return [
        *([PROSE.text("constant_attributes", names=constant)] if constant else []),
        *([PROSE.text("lost_attributes", names=lost)] if lost else []),
    ]


def _write_plot_rows(controls: Mapping[str, AttributeControl], out: Path) -> None:
    estimates = {name: estimate(control.monotonicity) for name, control in controls.items()}
    write_plot_rows(
        out / "attributes.json",
        [
            {"attribute": name, "monotonicity": monotonicity.value, "low": monotonicity.low, "high": monotonicity.high}
            for name, monotonicity in estimates.items()
        ],
    )


def _metrics(controls: Mapping[str, AttributeControl]) -> dict[str, object]:
    by_attribute = controls.values()
    return {
        "monotonicity": {name: estimate(control.monotonicity).value for name, control in controls.items()},
        **interval_metrics("mean_monotonicity", mean_statistic([control.monotonicity for control in by_attribute])),
        **interval_metrics("consistency", mean_statistic([control.consistency for control in by_attribute])),
        **interval_metrics("restrictiveness", mean_statistic([control.restrictiveness for control in by_attribute])),
    }


def _table(
    moves: Mapping[str, AttributeMove], controls: Mapping[str, AttributeControl], config: ControlConfig
) -> Table:
    header = [
        "attribute", "unit", "place along it, R²", f"change at {config.levels[0]:g}",
        f"change at {config.levels[-1]:g}", "change end to end, sd", "monotonicity", "linearity", "consistency",
        "restrictiveness", "states kept at the ends",
    ]  # fmt: skip
    rows = [
        [name, METRICS[name].unit, moves[name].explained, *(table_cell(statistic) for statistic in astuple(control))]
        for name, control in controls.items()
    ]
    return Table(PROSE.text("attribute_table"), header, rows)


def _curves(moves: Mapping[str, AttributeMove], sample: MovedSample, config: ControlConfig, out: Path) -> Figure:
    draw_attribute_moves(
        out / PICTURES / "attributes.png", moves, config.levels, sample.weights, sample.similarity_of_songs
    )
    return Figure(f"{PICTURES}/attributes.png", PROSE.text("attribute_curves"))


def _matrices(
    moves: Mapping[str, AttributeMove], training: Mapping[str, FloatArray], scales: Mapping[str, float], out: Path
) -> Figure:
    names = list(moves)
    changes = [mean_changes(move, scales) for move in moves.values()]
    masked = np.ma.masked_invalid([training[name] for name in names])
    correlations = np.ma.corrcoef(masked)  # type: ignore[no-untyped-call]
    draw_matrices(
        out / PICTURES / "attribute-matrix.png",
        names,
        np.array([[by_name[name] for name in names] for by_name in changes]),
        np.asarray(np.ma.filled(np.atleast_2d(correlations), np.nan)),
    )
    return Figure(f"{PICTURES}/attribute-matrix.png", PROSE.text("attribute_matrix"))


def _clips(
    context: EvaluationContext, sample: MovedSample, attribute: tuple[str, Tensor], config: ControlConfig, out: Path
) -> Figure:
    """Draws and writes one window at several levels; attribute: its name and step."""
    name, step = attribute
    window = sample.best_reconstructed
    places = np.linspace(0, len(config.levels) - 1, min(PANELS, len(config.levels))).round().astype(int)
    levels = [config.levels[place] for place in places]
    decoded = context.decoded(moved(sample.codes[[window]], step, torch.tensor(levels)).flatten(0, 1))
    labels = [f"{name}, level {level:g}" for level in levels]
    panels = [("window", sample.windows.tokens[window]), *zip(labels, decoded, strict=True)]
    return draw_with_clips(
        out,
        "one-attribute",
        f"One window along {name}",
        Panels(panels, context.description.model.tracks, columns=-(-len(panels) // 2)),
        PROSE.text("attribute_clips", attribute=name),
    )
