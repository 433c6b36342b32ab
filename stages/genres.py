"""Stage `genres`: songs -> the genre vocabulary in its order around the circle."""

from pathlib import Path
from typing import Annotated

from typer import Option

from pipelines.genres import GenresConfig, write_genres
from pipelines.runners import BeamConfig
from stages.command import replacing, run
from stages.settings import BEAM, PARAMS, read_settings


def main(songs: Annotated[Path, Option()], out: Annotated[Path, Option()]) -> None:
    """Writes genres.json."""
    config = read_settings(GenresConfig, PARAMS, "genres")
    where = read_settings(BeamConfig, BEAM)
    with replacing(out) as partial:
        write_genres(str(songs.resolve()), str(partial / "genres.json"), config, where)


if __name__ == "__main__":
    run(main)
