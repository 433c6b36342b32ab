"""Stage `evaluate`: a trained model and windows -> accuracies beside their baselines."""

from pathlib import Path
from typing import Annotated

from typer import Option

from model.checkpoint import load_for
from model.data import SPLITS, read_windows
from model.evaluation import evaluate, lines
from model.workers import device
from stages.command import run, write_json


def main(
    model: Annotated[Path, Option()],
    windows: Annotated[Path, Option()],
    metrics: Annotated[Path, Option()],
    plot: Annotated[Path, Option()],
) -> None:
    """Writes the accuracies as metrics, and for each track beside the baselines as rows of a plot."""
    autoencoder, description = load_for(model, windows)
    tracks = description.model.tracks
    sets = [read_windows(windows, split).seen_by(description.model) for split in SPLITS]
    accuracy = evaluate(autoencoder.to(device()), *sets).by_track(tracks)
    means = {measure: of_track["mean"] for measure, of_track in accuracy.items()}
    write_json(metrics, means | {"accuracy": accuracy["accuracy"]})
    rows = [
        {"track and measure": f"{track}, {measure}", "share of steps": accuracy[measure][track]}
        for track in tracks
        for measure in accuracy
    ]
    write_json(plot, rows)
    print(lines("of the validation windows", accuracy))


if __name__ == "__main__":
    run(main)
