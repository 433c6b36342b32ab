"""Stage `evaluate`: a trained model and windows -> accuracies beside their baselines."""

from pathlib import Path
from typing import Annotated

from typer import Option

from model.checkpoint import load
from model.data import read_provenance, read_windows
from model.evaluation import evaluate
from music.errors import InputError
from music.tokens import TRACKS
from stages.command import run, write_json


def main(
    model: Annotated[Path, Option()],
    windows: Annotated[Path, Option()],
    metrics: Annotated[Path, Option()],
    plot: Annotated[Path, Option()],
) -> None:
    """Writes the accuracies as metrics, and for each track beside the baselines as rows of a plot."""
    musae, description = load(model)
    if description.data != read_provenance(windows):
        raise InputError(f"{model} was trained on other windows than {windows}; run dvc repro train")
    accuracy = evaluate(musae, read_windows(windows, "train"), read_windows(windows, "validation")).by_track()
    means = {measure: of_track["mean_dbgs"] for measure, of_track in accuracy.items()}
    write_json(metrics, means | {"accuracy": accuracy["accuracy"]})
    rows = [
        {"track and measure": f"{track}, {measure}", "share of steps": accuracy[measure][track]}
        for track in TRACKS
        for measure in accuracy
    ]
    write_json(plot, rows)
    for measure, of_track in accuracy.items():
        print(f"{measure:14}", *(f"{name} {value:.3f}" for name, value in of_track.items()))


if __name__ == "__main__":
    run(main)
