"""Stage `train`: windows -> a trained model and its curves."""

from pathlib import Path
from typing import Annotated

from dvclive import Live
from typer import Option

from model.checkpoint import save
from model.config import RunConfig
from model.data import read_provenance
from model.training.run import train_on
from model.training.snapshots import Metrics
from model.training.workers import ALONE, device
from music.errors import InputError
from stages.shared.command import atomic_directory, run
from stages.shared.settings import PARAMS, read_settings


def main(windows: Annotated[Path, Option()], out: Annotated[Path, Option()], curves: Annotated[Path, Option()]) -> None:
    """Trains a model; writes its checkpoint, and its curves with DVCLive."""
    config = read_settings(RunConfig, PARAMS, "train")
    bars = read_provenance(windows).bars
    if bars != config.bars:
        raise InputError(f"{windows} has windows of {bars} bars, train.bars is {config.bars}; make them the same")
    with Live(str(curves), dvcyaml=None, save_dvc_exp=False) as live:

        def log(update: int, metrics: Metrics) -> None:
            live.step = update
            for name, value in metrics.items():
                live.log_metric(name, value)
            live.make_summary()

        trained = train_on(windows, config, log, ALONE, device())
        with atomic_directory(out) as partial:
            save(partial, trained.model, trained.description)
    trained.snapshots.remove()


if __name__ == "__main__":
    run(main)
