"""The first half of the section on editability: edits by attributes."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from analysis.editability.attribute_edits import WAYS, AttributeEdit, Corpus, edit_attribute, read_corpus
from analysis.editability.config import EditabilityConfig
from analysis.editability.in_key import share_in_key
from analysis.editability.pictures import EditedWindow, draw_attribute_edits, draw_edited_windows
from analysis.shared.bootstrap import estimate, interval_metrics, mean_statistic, table_cell, weighted_means
from analysis.shared.clips import write_clips
from analysis.shared.context import EvaluationContext
from analysis.shared.moves.sample import MovedSample
from analysis.shared.prose import Prose
from analysis.shared.section import PICTURES, Cell, Figure, Section, Table, write_plot_rows
from music.arrays import FloatArray
from music.metrics import METRICS
from music.tokens import with_all_tracks

TITLE = "By attributes"
PROSE = Prose(__file__)
IN_SUMMARY = {"notes": "note_f1_of_notes", "drum density": "note_f1_of_drums"}
"""The attributes that have a metric of their own, the mean over their changes, and its name."""


def attribute_section(context: EvaluationContext, sample: MovedSample, config: EditabilityConfig, out: Path) -> Section:
    """Edits the sample's windows by each attribute and change."""
    corpus = read_corpus(context, sample, config)
    found = [
        edit_attribute(context, sample, corpus, name, change, config.attempts)
        for name in corpus.spread.attributes
        for change in config.changes
    ]
    edits = [edit for edit in found if edit]
    constant = [name for name in config.attributes if name not in corpus.spread.attributes]
    missing = [PROSE.text("constant_attributes", names=constant)] if constant else []
    _write_plot_rows(edits, sample.weights, out)
    if not edits:
        return Section(TITLE, [], {}, missing=[*missing, PROSE.text("nothing_asked")])
    draw_attribute_edits(out / PICTURES / "attributes.png", edits, sample.weights)
    figures = [
        Figure(f"{PICTURES}/attributes.png", PROSE.text("attribute_picture")),
        _example(context, sample, edits, out),
    ]
    chance = _in_key_by_chance(context, sample)
    text = [PROSE.text("attribute_edits", config=config), PROSE.text("attribute_measures", in_key=chance)]
    metrics = _metrics(edits, sample.weights) | interval_metrics("in_key_by_chance", chance)
    return Section(TITLE, text, metrics, figures, [_table(edits, corpus, sample.weights)], missing)


def _in_key_by_chance(context: EvaluationContext, sample: MovedSample) -> FloatArray:
    """Returns the share of the notes of one window that are in the key of another, of another song if there are two."""
    tokens, tracks = sample.windows.tokens, context.description.model.tracks
    other_songs = (sample.windows.songs != sample.windows.songs.roll(1)).numpy()
    shares = share_in_key(tokens.roll(1, dims=0), tokens, tracks).numpy()
    return weighted_means(sample.weights, np.where(other_songs, shares, np.nan))


def label(edit: AttributeEdit) -> str:
    """Returns the name of an edit: "notes +1"."""
    return f"{edit.attribute} {edit.change:+g}"


def _mean(edits: Sequence[AttributeEdit], weights: FloatArray, way: str, measure: str) -> FloatArray:
    return mean_statistic([edit.mean(weights, way, measure) for edit in edits])


def _metrics(edits: Sequence[AttributeEdit], weights: FloatArray) -> dict[str, object]:
    """Returns the means over attributes and changes, and those of each edit by its label."""
    metrics: dict[str, object] = {}
    for measure in ("got", "arrived", "note_f1", "most", "in_key", "drift"):
        metrics |= interval_metrics(measure, _mean(edits, weights, "gradient", measure))
    for way in WAYS[1:]:
        for measure in ("note_f1", "in_key"):
            metrics |= interval_metrics(f"{measure}_{way}", _mean(edits, weights, way, measure))
    for name, metric in IN_SUMMARY.items():
        if chosen := [edit for edit in edits if edit.attribute == name]:
            metrics |= interval_metrics(metric, _mean(chosen, weights, "gradient", "note_f1"))
    measures = ("got", "arrived", "note_f1", "in_key", "drift")
    for edit in edits:
        numbers = {measure: float(edit.mean(weights, "gradient", measure)[0]) for measure in measures}
        metrics[label(edit)] = {measure: value for measure, value in numbers.items() if not np.isnan(value)}
    return metrics


def _table(edits: Sequence[AttributeEdit], corpus: Corpus, weights: FloatArray) -> Table:
    header = [
        "attribute", "asked", "unit", "windows asked", "got of asked", "arrived", "note F1", "note F1 at most",
        "new notes in key", "drift of the others, sd", "by the slope: got of asked", "arrived", "note F1",
        "new notes in key", "decoded plainly: got of asked", "note F1",
    ]  # fmt: skip
    rows: list[list[Cell]] = [["all", None, None, None, *_cells(edits, weights)]]
    for edit in edits:
        asked = edit.change * corpus.spread.attributes[edit.attribute]
        windows = int((~np.isnan(edit.outcomes["gradient"].arrived)).sum())
        unit = METRICS[edit.attribute].unit
        rows.append([edit.attribute, f"{asked:+.3g}", unit, windows, *_cells([edit], weights)])
    return Table(PROSE.text("attribute_table"), header, rows)


def _cells(edits: Sequence[AttributeEdit], weights: FloatArray) -> list[Cell]:
    columns = [
        *(("gradient", measure) for measure in ("got", "arrived", "note_f1", "most", "in_key", "drift")),
        *(("slope", measure) for measure in ("got", "arrived", "note_f1", "in_key")),
        *(("plain", measure) for measure in ("got", "note_f1")),
    ]
    return [table_cell(_mean(edits, weights, way, measure)) for way, measure in columns]


def _write_plot_rows(edits: Sequence[AttributeEdit], weights: FloatArray, out: Path) -> None:
    estimates = {label(edit): estimate(edit.mean(weights, "gradient", "note_f1")) for edit in edits}
    rows: list[dict[str, str | float]] = [
        {"edit": name, "note F1": f1.value, "low": f1.low, "high": f1.high}
        for name, f1 in estimates.items()
        if not np.isnan(f1.value)
    ]
    write_plot_rows(out / "edits.json", rows)


def _example(context: EvaluationContext, sample: MovedSample, edits: Sequence[AttributeEdit], out: Path) -> Figure:
    """Draws and writes the window that arrived at most edits, before and after each that it was asked for."""
    arrived = np.nansum([edit.outcomes["gradient"].arrived for edit in edits], axis=0)
    window, tracks = int(arrived.argmax()), context.description.model.tracks
    asked = [edit for edit in edits if not np.isnan(edit.outcomes["gradient"].arrived[window])]
    before = sample.windows.tokens[window]
    after = [(label(edit), edit.outcomes["gradient"].tokens[window]) for edit in asked]
    notes = [
        f"got {edit.outcomes['gradient'].got[window]:.0%} of it, F1 {edit.outcomes['gradient'].note_f1[window]:.2f}"
        for edit in asked
    ]
    rolls = [
        EditedWindow(f"{name}: {note}", with_all_tracks(tokens.numpy(), tracks))
        for (name, tokens), note in zip(after, notes, strict=True)
    ]
    draw_edited_windows(
        out / PICTURES / "one-window.png", "One window, edited", with_all_tracks(before.numpy(), tracks), rolls
    )
    clips = write_clips(out, "one-window", [("window", before), *after], tracks)
    return Figure(f"{PICTURES}/one-window.png", PROSE.text("attribute_example"), clips)
