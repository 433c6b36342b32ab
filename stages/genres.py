"""Stage `genres`: songs -> the genre vocabulary in its order around the circle."""

from pathlib import Path
from typing import Annotated

from typer import Option

from pipelines.genres import GenresConfig, write_genres
from pipelines.runners import BeamConfig
from stages.command import replacing, run
from stages.settings import read_params, settings


def main(songs: Annotated[Path, Option()], out: Annotated[Path, Option()]) -> None:
    """Writes genres.json."""
    params = read_params()
    config = settings(GenresConfig, "genres", params["genres"])
    where = settings(BeamConfig, "beam", params["beam"])
    with replacing(out) as partial:
        write_genres(str(songs), str(partial / "genres.json"), config, where)


if __name__ == "__main__":
    run(main)
