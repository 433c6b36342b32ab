"""The second half of the section on editability: edits toward genres."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from analysis.editability.config import EditabilityConfig
from analysis.editability.genre_edits import WAYS, GenreEdit, edit_toward, mean_over_genres, moved_music
from analysis.editability.pictures import EditedWindow, draw_edited_windows, draw_genre_edits
from analysis.shared.bootstrap import interval_metrics, table_cell
from analysis.shared.clips import write_clips
from analysis.shared.context import EvaluationContext
from analysis.shared.moves.genre_classifier import ValidatedClassifier, validated_classifier
from analysis.shared.moves.sample import MovedSample
from analysis.shared.prose import Prose
from analysis.shared.section import PICTURES, Cell, Figure, Section, Table
from music.tokens import with_all_tracks

TITLE = "Toward genres"
GENRES_SHOWN = 3
MIDDLE = 50
"""The percentile of a window like any other."""
PROSE = Prose(__file__)


@dataclass(frozen=True)
class GenreEdits:
    """Windows edited toward every genre that the classifier knows well enough."""

    context: EvaluationContext
    sample: MovedSample
    classifier: ValidatedClassifier
    edits: Sequence[GenreEdit]
    """At least one."""
    strengths: Sequence[float]

    @property
    def real_gain(self) -> float:
        """How far above the middle percentile real windows of the genres stand, as a mean over genres."""
        return float(np.mean([self.classifier.real_percentile(edit.genre) - MIDDLE for edit in self.edits]))


def genre_section(
    context: EvaluationContext, sample: MovedSample, config: EditabilityConfig, generator: torch.Generator, out: Path
) -> Section:
    """Edits the sample's windows toward each genre that a classifier knows, and lets the classifier score them."""
    if not context.genres:
        return Section(TITLE, [], {}, missing=[PROSE.text("no_tags")])
    classifier = validated_classifier(context, sample, config, generator)
    known = [genre for genre, auc in classifier.aucs.items() if auc >= config.min_auc] if classifier else []
    if not classifier or not known:
        return Section(TITLE, [], {}, missing=[PROSE.text("no_known_genres", min_auc=config.min_auc)])
    edits = [edit_toward(context, sample, classifier, genre, config.strengths) for genre in known]
    result = GenreEdits(context, sample, classifier, edits, config.strengths)
    draw_genre_edits(out / PICTURES / "genres.png", edits, sample.weights, config.strengths, result.real_gain)
    figures = [Figure(f"{PICTURES}/genres.png", PROSE.text("genre_picture")), _example(result, out)]
    text = [PROSE.text("genre_edits", result=result)]
    return Section(TITLE, text, {"genres": _metrics(result)}, figures, [_table(result)])


def _metrics(result: GenreEdits) -> dict[str, object]:
    """Returns where real windows stand, and what moves of each strength gain and keep; "plain" names the other way."""
    metrics: dict[str, object] = {"real_gain": result.real_gain}
    for place, strength in enumerate(result.strengths):
        numbers: dict[str, float] = {}
        for way in WAYS:
            for name, measure in (("gain", "gains"), ("note_f1", "note_f1")):
                statistic = mean_over_genres(result.edits, result.sample.weights, measure, way)[:, place]
                numbers |= interval_metrics(name if way == WAYS[0] else f"{name}_{way}", statistic)
        metrics[f"strength {strength:g}"] = numbers
    return metrics


def _table(result: GenreEdits) -> Table:
    header = ["genre", "windows", "strength", "real windows of the genre", "gain", "note F1",
              "decoded plainly: gain", "note F1"]  # fmt: skip
    rows: list[list[Cell]] = []
    names = ["all genres", *(result.context.genres[edit.genre] for edit in result.edits)]
    for name, edits in zip(names, [result.edits, *([edit] for edit in result.edits)], strict=True):
        real = float(np.mean([result.classifier.real_percentile(edit.genre) - MIDDLE for edit in edits]))
        windows = edits[0].windows if len(edits) == 1 else None
        for place, strength in enumerate(result.strengths):
            cells = [
                table_cell(mean_over_genres(edits, result.sample.weights, measure, way)[:, place], decimals)
                for way in WAYS
                for measure, decimals in (("gains", 1), ("note_f1", 2))
            ]
            rows.append([name, windows, f"{strength:g}", f"{real:+.1f}", *cells])
    return Table(PROSE.text("genre_table"), header, rows)


def _example(result: GenreEdits, out: Path) -> Figure:
    """Draws and writes one window, edited toward the genres that the classifier knows best."""
    context, sample = result.context, result.sample
    window, tracks = sample.best_reconstructed, context.description.model.tracks
    before = sample.windows.tokens[[window]]
    own = sample.windows.genres[window]
    best = sorted(result.classifier.aucs, key=lambda genre: -result.classifier.aucs[genre])
    strength = result.strengths[-1]
    after, rolls = [], []
    for genre in [genre for genre in best if not own[genre]][:GENRES_SHOWN]:
        step = strength * sample.step_toward(genre)
        music = moved_music(context, before, step[None])["difference"][0, 0]
        ends = [result.classifier.percentiles(genre, context, tokens[None])[0] for tokens in (before[0], music)]
        name = f"toward {context.genres[genre]}"
        after.append((name, music))
        title = f"{name}: percentile {ends[0]:.0f} to {ends[1]:.0f}"
        rolls.append(EditedWindow(title, with_all_tracks(music.numpy(), tracks)))
    draw_edited_windows(
        out / PICTURES / "one-window-genres.png",
        "One window, edited toward genres",
        with_all_tracks(before[0].numpy(), tracks),
        rolls,
    )
    clips = write_clips(out, "genres", [("window", before[0]), *after], tracks)
    tags = [context.genres[genre] for genre in own.nonzero().flatten().tolist()]
    caption = PROSE.text("genre_example", tags=tags, strength=strength)
    return Figure(f"{PICTURES}/one-window-genres.png", caption, clips)
