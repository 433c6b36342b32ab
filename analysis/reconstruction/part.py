"""How well windows come back from their codes; [P] table 1."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from analysis.reconstruction.paper import UNITS, counterpart, figures, rows
from analysis.reconstruction.table1 import comparison, draw, markdown, of_all_measures
from analysis.shared.bootstrap import Measures, estimates
from analysis.shared.clips import draw_with_clips
from analysis.shared.context import EvaluationContext, some
from analysis.shared.section import PICTURES, Figure, Section
from model.similarity import same_states
from model.config import ModelConfig
from model.evaluation import evaluate
from music.json_files import write_json

TITLE = "Reconstruction"
SPLIT_BY = {
    "song": "No song has windows in both training and validation; the paper's split, by windows, is easier.",
    "artist": "No artist has windows in both training and validation; the paper's split, by windows, is easier.",
    "window": "As in the paper, windows of one song are in both training and validation, so what was learnt by heart "
    "counts too.",
}


@dataclass(frozen=True)
class ReconstructionConfig:
    """Section `reconstruction` of analysis.toml."""

    resamples: int
    """Of the songs, for the intervals."""
    windows: int
    """Drawn beside their reconstructions."""
    seed: int

    def __post_init__(self) -> None:
        for name, least in (("resamples", 1), ("windows", 1), ("seed", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}")


def analyse_reconstruction(context: EvaluationContext, config: ReconstructionConfig, out: Path) -> Section:
    """Table 1 beside the paper's, and some windows beside their reconstructions."""
    if not len(context.validation):
        return Section(TITLE, [], {}, missing=["Reconstruction takes validation windows: take more songs."])
    model = context.description.model
    counts = evaluate(context.model, context.training, context.validation)
    songs = len(counts["accuracy"].hits)
    measures = estimates(counts, model.tracks, config.resamples, config.seed)
    of_rows = {measure: {name: of[name] for name in rows(model)} for measure, of in measures.items()}
    this_model = {row: measures["accuracy"][name] for name, row in rows(model).items()}
    tables = [comparison({"this model": this_model}), of_all_measures(of_rows)]
    (out / "table1.md").write_text("\n".join(markdown(table) for table in tables), encoding="utf-8")
    write_json(out / "table1.json", _for_comparisons(context, songs, measures))
    write_json(out / "rows.json", _plot_rows(of_rows))
    (out / PICTURES).mkdir()
    return Section(
        TITLE,
        [*_what_was_measured(context, songs, config), *_what_came_of_it(measures), _paper(model)],
        _metrics(measures),
        [_points(context, of_rows, out), _windows(context, config, out)],
        tables,
        [] if songs > 1 else ["Intervals over songs take at least two validation songs: take more songs."],
    )


def _points(context: EvaluationContext, measures: Measures, out: Path) -> Figure:
    bars = context.description.model.bars
    draw(
        out / PICTURES / "table1.png",
        f"Reconstruction of {len(context.validation):,} validation windows of {bars} bars",
        measures,
        figures(context.description.model),
    )
    return Figure(
        f"{PICTURES}/table1.png",
        "Left: the share of steps at which the right state is predicted. Right: notes, right in pitch and first step. "
        "Lines are 95% intervals over songs; where none is seen it is narrower than its mark. Grey is what needs no "
        "model: only what lies right of it was learnt.",
    )


def _windows(context: EvaluationContext, config: ReconstructionConfig, out: Path) -> Figure:
    generator = torch.Generator().manual_seed(config.seed)
    windows = some(context.validation, config.windows, generator).tokens
    rebuilt = context.decoded(context.codes(windows))
    panels = []
    for number, (window, again) in enumerate(zip(windows, rebuilt, strict=True), start=1):
        panels.append((f"window {number}", window))
        panels.append((f"rebuilt, {same_states(window, again).item():.0%} of states", again))
    return draw_with_clips(
        out,
        "windows",
        "Windows (left) and what comes back from their codes (right)",
        panels,
        2,
        context.description.model.tracks,
        "Validation windows drawn at random, each beside its reconstruction from its code alone, and how many of its "
        "states that has right.",
    )


def _what_was_measured(context: EvaluationContext, songs: int, config: ReconstructionConfig) -> list[str]:
    fed = ", each of which is fed back" if context.model.autoregressive else ""
    return [
        f"Each of the {len(context.validation):,} validation windows, of {songs:,} songs, was encoded to its mean code "
        f"and decoded from that code alone, taking the likeliest states{fed}. Accuracy, the measure of the paper's "
        "Table 1, is the share of a track's steps whose state is right: which pitch starts there, or a hold of the "
        "note before, or silence.",
        f"The split is by {context.split_unit}. {SPLIT_BY[context.split_unit]}",
        f"The intervals are those of a bootstrap: 95% of {config.resamples:,} draws of as many songs with replacement "
        "lie inside. They tell how far the figures hang on which songs were held out, not on the seed of training.",
    ]


def _what_came_of_it(measures: Measures) -> list[str]:
    mean = {measure: f"{of['mean'].value:.3f}" for measure, of in measures.items()}
    paragraphs = [
        f"Accuracy flatters: means over the tracks are {mean['majority']} for guessing the commonest state of each "
        f"step, {mean['always_hold']} for holding everywhere, and {mean['accuracy']} for the model. Notes are harder: "
        f"of those played it finds {mean['onset_accuracy']}, right in pitch and first step, and the F1 of precision "
        f"and recall is {mean['note_f1']}; guessing the commonest states has {mean['majority_note_f1']}."
    ]
    if "teacher_forced_accuracy" in mean:
        paragraphs.append(
            f"Fed the true states before each step, the decoder is right at {mean['teacher_forced_accuracy']} of the steps: "
            "a figure of the decoder more than of the code, not to be set beside those of decoders that are not fed."
        )
    return paragraphs


def _paper(model: ModelConfig) -> str:
    published = counterpart(model)
    if not published:
        return (
            f"The paper has no model with decoder {model.decoder}, prior {model.prior} and regulariser "
            f"{model.regulariser} to compare it with."
        )
    known = any(value is not None for value in figures(model).values())
    of_these = "" if known else f", but of {model.bars} bars of {', '.join(model.tracks)} it has no figures"
    size = (
        ""
        if model.hidden_size == UNITS
        else f" Its MusAE has {UNITS:,} units a layer, this model {model.hidden_size:,}."
    )
    return f"The paper's model of this kind is “{published.name}”{of_these}.{size}"


def _metrics(measures: Measures) -> dict[str, Any]:
    by_track = {
        measure: {name: estimate.value for name, estimate in measures[measure].items()}
        for measure in ("accuracy", "note_f1")
    }
    single = ("onset_accuracy", "teacher_forced_accuracy", "majority", "always_hold")
    return by_track | {measure: measures[measure]["mean"].value for measure in single if measure in measures}


def _for_comparisons(context: EvaluationContext, songs: int, measures: Measures) -> dict[str, Any]:
    """The model as a column of a Table 1 of several."""
    model = context.description.model
    published = counterpart(model)
    return {
        "model": asdict(model),
        "split": context.split_unit,
        "windows": len(context.validation),
        "songs": songs,
        "measures": {
            measure: {name: asdict(estimate) for name, estimate in of.items()} for measure, of in measures.items()
        },
        "paper": {"name": published.name, "values": figures(model)} if published else None,
    }


def _plot_rows(measures: Measures) -> list[dict[str, str | float]]:
    return [
        {"track and measure": f"{name}, {measure}", "share": estimate.value}
        for name in measures["accuracy"]
        for measure, of in measures.items()
        for estimate in [of[name]]
    ]
