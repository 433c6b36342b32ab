"""Stage `report`: a trained model and the parts of its analysis -> one page with pictures, music and numbers.

It also makes the page of a folder that came from a machine without DVC, where `python -m analysis` wrote it:

    python -m stages.report --results OUT --model OUT --windows OUT --page page.html
"""

from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Annotated

from typer import Option

from analysis.parts import PARTS
from music.json_files import write_json
from stages.pages.curves import draw_curves
from stages.pages.render import write_page
from stages.shared.command import run
from stages.shared.runs import Run, environment, flatten, parameters, read_run

LONG = ("shards", "states")
"""What the page leaves out of the windows' manifest."""
SUMMARY = {
    "loss": "training.validation_loss",
    "accuracy": "reconstruction.accuracy.mean",
    "onsets": "reconstruction.onset_accuracy",
    "note_f1": "reconstruction.note_f1.mean",
    "repeats": "reconstruction.repeated_in_training",
    "overlap": "reconstruction.validation_in_training",
    "spread": "posterior.spread",
    "two_sample": "posterior.two_sample_accuracy",
    "smoothness": "attributes.smoothness",
    "separability": "genres.validation.separability",
    "monotonicity": "control.monotonicity",
    "gain": "control.transfer.means.gain",
}
"""What `dvc exp show` compares experiments by: a short name, and the number of training or of a part of the analysis."""


def main(
    results: Annotated[Path, Option(help="with a folder a part of the analysis")],
    model: Annotated[Path, Option(help="with model.json")],
    windows: Annotated[Path, Option(help="with manifest.json")],
    page: Annotated[Path, Option()],
    params: Annotated[Path | None, Option(help="params.yaml, for a run made with DVC")] = None,
    metrics: Annotated[Path | None, Option(help="the few numbers that dvc exp show compares, as JSON")] = None,
) -> None:
    """Writes the page of one run, and its summary."""
    of = read_run(str(model), results, model, windows, params)
    with TemporaryDirectory() as folder:
        curves = Path(folder) / "curves.png"
        if of.curves:
            draw_curves(curves, {of.name: of.curves})
        write_page(
            page,
            "report.html",
            run=of,
            parts=list(PARTS),
            curves=curves if of.curves else None,
            numbers={part: dict(flatten(section.metrics)) for part, section in of.sections.items()},
            parameters=parameters(of),
            manifest=dict(flatten({name: of.windows[name] for name in of.windows if name not in LONG})),
            environment=environment(of),
        )
    if metrics:
        write_json(metrics, summary(of))
    print(f"{page}: {page.stat().st_size / 1e6:.1f} MB")


def summary(of: Run) -> dict[str, float]:
    """The numbers named in `SUMMARY`, where the analysis has them; of several, such as one an attribute, the mean."""
    sections = {part: section.metrics for part, section in of.sections.items()}
    numbers = dict(flatten({"training": of.description["metrics"], **sections}))
    found = {
        name: [value for place, value in numbers.items() if f"{place}.".startswith(f"{wanted}.") and value is not None]
        for name, wanted in SUMMARY.items()
    }
    return {name: fmean(values) for name, values in found.items() if values}


if __name__ == "__main__":
    run(main)
