"""Stage `report`: a trained model and the parts of its analysis -> one page with pictures, music and metrics.

It also makes the page of a folder that came from a machine without DVC, where `python -m analysis` wrote it:

    python -m stages.report --results OUT --model OUT --windows OUT --page page.html
"""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

from typer import Option

from analysis.parts import PARTS
from music.json_files import write_json
from stages.pages.curves import draw_curves
from stages.pages.render import number, write_page
from stages.shared.command import run
from stages.shared.runs import (
    INTERVAL_ENDS,
    Run,
    collect_metrics,
    environment,
    flatten,
    is_interval_end,
    parameters,
    read_run,
)

LONG = ("shards", "states")
"""The parts of the windows' manifest that are not on the page."""
SUMMARY = {
    "loss": "training.validation_loss",
    "accuracy": "reconstruction.accuracy.mean",
    "onsets": "reconstruction.onset_accuracy",
    "note_f1": "reconstruction.note_f1.mean",
    "repeats": "reconstruction.repeated_in_training",
    "overlap": "reconstruction.validation_in_training",
    "spread": "posterior.spread",
    "two_sample": "posterior.two_sample_accuracy",
    "sample_auc": "attributes.samples.auc",
    "sample_notes": "attributes.samples.notes_off",
    "smoothness": "attributes.smoothness",
    "separability": "genres.validation.separability",
    "monotonicity": "control.mean_monotonicity",
    "gain_over_random": "control.gain_over_random",
    "edit_arrived": "editability.arrived",
    "edit_f1": "editability.note_f1",
}
"""The metrics that `dvc exp show` compares: a short name for each, and its part and name there."""


def main(
    results: Annotated[Path, Option(help="with a folder for each part of the analysis")],
    model: Annotated[Path, Option(help="with model.json")],
    windows: Annotated[Path, Option(help="with manifest.json")],
    page: Annotated[Path, Option()],
    params: Annotated[Path | None, Option(help="params.yaml, for a run made with DVC")] = None,
    metrics: Annotated[Path | None, Option(help="a JSON file for the few metrics that dvc exp show compares")] = None,
) -> None:
    """Writes the page of one run, and a summary of its metrics."""
    model_run = read_run(str(model), results, model, windows, params)
    with TemporaryDirectory() as folder:
        curves = Path(folder) / "curves.png"
        if model_run.curves:
            draw_curves(curves, {model_run.name: model_run.curves})
        write_page(
            page,
            "report.html",
            run=model_run,
            parts=list(PARTS),
            curves=curves if model_run.curves else None,
            metrics={part: _with_intervals(metrics) for part, metrics in collect_metrics(model_run).items()},
            **_seen_windows(model_run),
            parameters=parameters(model_run),
            manifest=dict(flatten({name: value for name, value in model_run.windows.items() if name not in LONG})),
            environment=environment(model_run),
        )
    if metrics:
        write_json(metrics, summary(model_run))
    print(f"{page}: {page.stat().st_size / 1e6:.1f} MB")


def _with_intervals(nested: Mapping[str, Any]) -> dict[str, str]:
    """The metrics of a part as texts, each with its 95% interval where it has one."""
    metrics, texts = dict(flatten(nested)), {}
    for name, value in metrics.items():
        if not is_interval_end(name, metrics):
            ends = [metrics[f"{name}{end}"] for end in INTERVAL_ENDS if f"{name}{end}" in metrics]
            texts[name] = number(value) + (f" [{', '.join(map(number, ends))}]" if ends else "")
    return texts


def _seen_windows(model_run: Run) -> dict[str, int]:
    """How many windows of the shards the model was trained and validated on: see `DroppedWindows`."""
    reconstruction = model_run.sections.get("reconstruction")
    dropped = reconstruction.metrics if reconstruction else {}
    return {
        "training_windows": model_run.windows["train"] - dropped.get("repeated_in_training", 0),
        "validation_windows": model_run.windows["validation"]
        - dropped.get("validation_in_training", 0)
        - dropped.get("repeated_in_validation", 0),
    }


def summary(model_run: Run) -> dict[str, float]:
    """Returns the metrics named in `SUMMARY`, without those that the run does not have."""
    metrics = dict(flatten(collect_metrics(model_run)))
    return {short: metrics[name] for short, name in SUMMARY.items() if metrics.get(name) is not None}


if __name__ == "__main__":
    run(main)
