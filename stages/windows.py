"""Stage `windows`: songs -> unique windows of every length, split, each with a transposition."""

from pathlib import Path
from typing import Annotated

from typer import Option

from music.json_files import write_json
from pipelines.beam.runners import BeamConfig
from pipelines.beam.storage import publish
from pipelines.genres import read_genres
from pipelines.shards import read_manifest, windows_folder
from pipelines.windows import HELD_OUT_BELOW, WindowsConfig, write_windows
from stages.shared.beam import Folder, writing
from stages.shared.command import run
from stages.shared.settings import BEAM, PARAMS, read_settings


def main(songs: Folder, genres: Folder, out: Folder, metrics: Annotated[Path, Option()]) -> None:
    """Writes training and validation windows, with a folder for each length, and their numbers."""
    config = read_settings(WindowsConfig, PARAMS, "windows")
    where = read_settings(BeamConfig, BEAM)
    vocabulary = read_genres(f"{genres}/genres.json")
    with writing(out, where.storage) as folder:
        sizes = write_windows(publish(songs, where.storage), vocabulary, folder, config, where)
    write_json(metrics, {f"{split}_{bars}bar": size for bars, sides in sizes.items() for split, size in sides.items()})
    for bars, sides in sizes.items():
        print(f"{bars} bars: {sides['train']} training and {sides['validation']} validation windows")
        if HELD_OUT_BELOW in read_manifest(windows_folder(out, bars)):
            unit = config.split.unit
            print(f"{bars} bars: all windows were on one side of windows.split, so one {unit} was moved to the other")


if __name__ == "__main__":
    run(main)
