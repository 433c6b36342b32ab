"""How well windows are reconstructed from their codes; [P] table 1."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import torch

from analysis.reconstruction.paper import HIDDEN_SIZE, counterpart, published_accuracies, row_names
from analysis.reconstruction.table1 import all_measures_table, comparison_table, draw_points, markdown
from analysis.shared.bootstrap import Measures, estimates
from analysis.shared.clips import Panels, draw_with_clips
from analysis.shared.context import EvaluationContext
from analysis.shared.prose import Prose
from analysis.shared.sampling import random_subset
from analysis.shared.section import PICTURES, Figure, Section, write_plot_rows
from model.config import ModelConfig
from model.evaluation import evaluate
from model.similarity import same_states
from music.json_files import write_json
from music.settings import Seed, Settings, at_least

TITLE = "Reconstruction"
PROSE = Prose(__file__)


@dataclass(frozen=True)
class ReconstructionConfig(Settings):
    """The settings of this part, in `settings.toml` beside this file."""

    resamples: Annotated[int, at_least(1)]
    """The number of bootstrap resamples of the songs, for the intervals."""
    windows: Annotated[int, at_least(1)]
    """The number of windows shown beside their reconstructions."""
    seed: Seed


def analyse_reconstruction(context: EvaluationContext, config: ReconstructionConfig, out: Path) -> Section:
    """Makes Table 1 with the paper's figures, and draws some windows beside their reconstructions."""
    if not len(context.validation):
        return Section(TITLE, [], {}, missing=[PROSE.text("no_windows")])
    model = context.description.model
    counts = evaluate(context.model, context.training, context.validation)
    songs = len(counts["accuracy"].hits)
    measures = estimates(counts, model.tracks, config.resamples, config.seed)
    shown = {measure: {name: by_name[name] for name in row_names(model)} for measure, by_name in measures.items()}
    this_model = {row: measures["accuracy"][name] for name, row in row_names(model).items()}
    tables = [comparison_table({"this model": this_model}), all_measures_table(shown)]
    (out / "table1.md").write_text("\n".join(markdown(table) for table in tables), encoding="utf-8")
    write_json(out / "table1.json", _table1_column(context, songs, measures))
    write_plot_rows(out / "rows.json", _plot_rows(shown))
    (out / PICTURES).mkdir()
    return Section(
        TITLE,
        [*_method(context, songs, config), *_results(measures), _counterpart(model)],
        _metrics(measures) | asdict(context.dropped),
        [_draw_points(context, shown, out), _draw_windows(context, config, out)],
        tables,
        [] if songs > 1 else [PROSE.text("one_song")],
    )


def _draw_points(context: EvaluationContext, measures: Measures, out: Path) -> Figure:
    model = context.description.model
    title = PROSE.text("points_title", windows=len(context.validation), bars=model.bars)
    draw_points(out / PICTURES / "table1.png", title, measures, published_accuracies(model))
    return Figure(f"{PICTURES}/table1.png", PROSE.text("points_caption"))


def _draw_windows(context: EvaluationContext, config: ReconstructionConfig, out: Path) -> Figure:
    generator = torch.Generator().manual_seed(config.seed)
    windows = random_subset(context.validation, config.windows, generator).tokens
    reconstructions = context.decoded(context.codes(windows))
    named = []
    for number, (window, rebuilt) in enumerate(zip(windows, reconstructions, strict=True), start=1):
        named.append((f"window {number}", window))
        named.append((f"rebuilt, {same_states(window, rebuilt).item():.0%} of states", rebuilt))
    panels = Panels(named, context.description.model.tracks, columns=2)
    return draw_with_clips(out, "windows", PROSE.text("windows_title"), panels, PROSE.text("windows_caption"))


def _method(context: EvaluationContext, songs: int, config: ReconstructionConfig) -> list[str]:
    windows, autoregressive = len(context.validation), context.model.autoregressive
    dropped = asdict(context.dropped)
    return [
        PROSE.text("method", windows=windows, songs=songs, autoregressive=autoregressive),
        PROSE.text("split", unit=context.split_unit),
        *([PROSE.text("dropped", counts=dropped)] if any(dropped.values()) else []),
        PROSE.text("intervals", resamples=config.resamples),
    ]


def _results(measures: Measures) -> list[str]:
    mean = {measure: by_name["mean"].value for measure, by_name in measures.items()}
    paragraphs = [PROSE.text("results", mean=mean)]
    if "teacher_forced_accuracy" in mean:
        paragraphs.append(PROSE.text("teacher_forced", accuracy=mean["teacher_forced_accuracy"]))
    return paragraphs


def _counterpart(model: ModelConfig) -> str:
    published = counterpart(model)
    if not published:
        return PROSE.text("no_counterpart", model=model)
    has_figures = any(value is not None for value in published_accuracies(model).values())
    return PROSE.text("counterpart", name=published.name, model=model, has_figures=has_figures, hidden_size=HIDDEN_SIZE)


def _metrics(measures: Measures) -> dict[str, Any]:
    by_track = {
        measure: {name: estimate.value for name, estimate in measures[measure].items()}
        for measure in ("accuracy", "note_f1")
    }
    means = ("onset_accuracy", "teacher_forced_accuracy", "majority", "always_hold")
    return by_track | {measure: measures[measure]["mean"].value for measure in means if measure in measures}


def _table1_column(context: EvaluationContext, songs: int, measures: Measures) -> dict[str, Any]:
    """Returns what `stages.compare` needs to make the model a column of a Table 1 of several models."""
    model = context.description.model
    published = counterpart(model)
    return {
        "model": asdict(model),
        "split": context.split_unit,
        "windows": len(context.validation),
        "songs": songs,
        "measures": {
            measure: {name: asdict(estimate) for name, estimate in by_name.items()}
            for measure, by_name in measures.items()
        },
        "paper": {"name": published.name, "values": published_accuracies(model)} if published else None,
    }


def _plot_rows(measures: Measures) -> list[dict[str, str | float]]:
    return [
        {"track and measure": f"{name}, {measure}", "share": by_name[name].value}
        for name in measures["accuracy"]
        for measure, by_name in measures.items()
    ]
