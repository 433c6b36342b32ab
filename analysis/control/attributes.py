"""Along attributes: the section's first half."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from analysis.control.attribute_moves import AttributeMove, Fader, changes_of_all, fader, measured, move_attribute
from analysis.control.pictures import draw_faders, draw_matrices
from analysis.control.setup import ControlConfig, Drawn
from analysis.shared.clips import Panels, draw_with_clips
from analysis.shared.context import EvaluationContext
from analysis.shared.correlation import Numbers
from analysis.shared.section import PICTURES, Figure, Section, Table
from model.latent import moved
from music.json_files import write_json
from music.metrics import METRICS

TITLE = "Along attributes"
PANELS = 5


def attribute_section(context: EvaluationContext, drawn: Drawn, config: ControlConfig, out: Path) -> Section:
    """Moves the drawn windows along each attribute."""
    training = measured(context, drawn.training.tokens, config.attributes)
    scales = {name: float(np.nanstd(of)) for name, of in training.items() if np.isfinite(of).sum() > 1}
    usable = [name for name in config.attributes if scales.get(name, 0.0) > 0]
    real = measured(context, drawn.windows.tokens, usable)
    moves, faders = {}, {}
    for name in usable:
        moves[name] = move_attribute(
            context, (drawn.training_codes, training[name]), (drawn.codes, real[name]), usable, config.levels
        )
        of_name = fader(name, moves[name], config.levels, scales)
        if of_name:
            faders[name] = of_name
    missing = _missing(config, usable, list(faders))
    rows = [{"attribute": name, "monotonicity": of.monotonicity} for name, of in faders.items()]
    write_json(out / "attributes.json", rows)
    if not faders:
        return Section(TITLE, [], {}, missing=missing)
    moves = {name: moves[name] for name in faders}
    first = next(iter(faders))
    figures = [
        _curves(moves, drawn, config, out),
        _matrix(moves, training, scales, out),
        _clips(context, drawn, first, moves[first].step, config, out),
    ]
    return Section(TITLE, _text(drawn, config), _metrics(faders), figures, [_table(moves, faders, config)], missing)


def _missing(config: ControlConfig, usable: list[str], done: list[str]) -> list[str]:
    constant = [name for name in config.attributes if name not in usable]
    lost = [name for name in usable if name not in done]
    sentences = []
    if constant:
        sentences.append(
            f"Not moved along {', '.join(constant)}: the windows of this model's tracks all have the same of it, or "
            "none; take a model of other tracks, or more songs."
        )
    if lost:
        sentences.append(
            f"Not measured along {', '.join(lost)}: no window that is decoded has it at every level; train longer, or "
            "take more windows or nearer levels."
        )
    return sentences


def _metrics(faders: Mapping[str, Fader]) -> dict[str, object]:
    restricted = [of.restrictiveness for of in faders.values() if of.restrictiveness is not None]
    return {
        "monotonicity": {name: of.monotonicity for name, of in faders.items()},
        "consistency": float(np.mean([of.consistency for of in faders.values()])),
        **({"restrictiveness": float(np.mean(restricted))} if restricted else {}),
    }


def _text(drawn: Drawn, config: ControlConfig) -> list[str]:
    return [
        f"Along an attribute: a ridge regression of the attribute on the codes of {len(drawn.training)} training "
        "windows gives the direction in code space in which it grows fastest. The codes of "
        f"{len(drawn.windows)} validation windows are moved along it by {config.levels[0]:g} to {config.levels[-1]:g} "
        "standard deviations of the codes in that direction, decoded and measured. Windows that lack the attribute at "
        "some level are left out of its numbers.",
        "Monotonicity: Spearman's correlation of level and attribute within a window, mean over windows; 0 is chance, "
        "1 perfect. Linearity: share of a window's variance on a straight line. Consistency: 1 less the standard "
        "deviation over windows of the attribute's change, mean over levels. Restrictiveness: 1 less the standard "
        "deviation over levels of the other attributes, mean over them and the windows. Both count in standard "
        "deviations of the attribute in training windows, are at most 1 and may be negative; a fader that does nothing "
        "is perfectly consistent and restrictive, so read them beside how far the attribute moves.",
    ]


def _table(moves: Mapping[str, AttributeMove], faders: Mapping[str, Fader], config: ControlConfig) -> Table:
    header = [
        "attribute", "unit", "read from codes, R²", f"change at {config.levels[0]:g}",
        f"change at {config.levels[-1]:g}", "change end to end, sd", "monotonicity", "linearity", "consistency",
        "restrictiveness", "states kept at the ends",
    ]  # fmt: skip
    rows = [[name, METRICS[name].unit, moves[name].read, *asdict(of).values()] for name, of in faders.items()]
    return Table(
        "Moves along attributes; changes are from the reconstruction, in the unit. Read from codes: squared "
        "correlation, in the windows that are moved, of the attribute with the codes' place along the direction.",
        header,
        rows,
    )


def _curves(moves: Mapping[str, AttributeMove], drawn: Drawn, config: ControlConfig, out: Path) -> Figure:
    draw_faders(out / PICTURES / "attributes.png", moves, config.levels, drawn.unrelated)
    return Figure(
        f"{PICTURES}/attributes.png",
        "Windows whose codes are moved along each attribute: the attribute that is decoded, mean over windows and the "
        "middle half of them; level 0 is the reconstruction. Last, how much of the reconstruction stays.",
    )


def _matrix(
    moves: Mapping[str, AttributeMove], training: Mapping[str, Numbers], scales: Mapping[str, float], out: Path
) -> Figure:
    names = list(moves)
    changes = [dict(zip(move.values, changes_of_all(move, scales), strict=True)) for move in moves.values()]
    together = np.ma.corrcoef(np.ma.masked_invalid([training[name] for name in names]))  # type: ignore[no-untyped-call]
    draw_matrices(
        out / PICTURES / "attribute-matrix.png",
        names,
        np.array([[of[name] for name in names] for of in changes]),
        np.asarray(np.ma.filled(np.atleast_2d(together), np.nan)),
    )
    return Figure(
        f"{PICTURES}/attribute-matrix.png",
        "What a move along one attribute (row) does to each (column), from the lowest level to the highest; a move "
        "that were perfectly restrictive would colour the diagonal alone. Beside it, which attributes go together in "
        "real windows, so cannot well be moved apart.",
    )


def _clips(
    context: EvaluationContext, drawn: Drawn, name: str, step: Tensor, config: ControlConfig, out: Path
) -> Figure:
    window = drawn.best_kept
    places = np.linspace(0, len(config.levels) - 1, min(PANELS, len(config.levels))).round().astype(int)
    levels = [config.levels[place] for place in places]
    decoded = context.decoded(moved(drawn.codes[[window]], step, torch.tensor(levels)).flatten(0, 1))
    panels = [
        ("window", drawn.windows.tokens[window]),
        *((f"{name}, level {level:g}", of) for level, of in zip(levels, decoded, strict=True)),
    ]
    return draw_with_clips(
        out,
        "one-attribute",
        f"One window along {name}",
        Panels(panels, context.description.model.tracks, columns=-(-len(panels) // 2)),
        f"A validation window, and what is decoded from its code moved along {name}; level 0 is the reconstruction. "
        "It is the drawn window of whose notes most come back, so that what changes is the move's doing.",
    )
