"""Stage `genres`: songs -> the genre vocabulary in its order around the circle."""

from pipelines.genres import GenresConfig, write_genres
from pipelines.runners import BeamConfig
from pipelines.storage import publish
from stages.beam import Folder, writing
from stages.command import run
from stages.settings import BEAM, PARAMS, read_settings


def main(songs: Folder, out: Folder) -> None:
    """Writes genres.json."""
    config = read_settings(GenresConfig, PARAMS, "genres")
    where = read_settings(BeamConfig, BEAM)
    with writing(out, where.storage) as folder:
        write_genres(publish(songs, where.storage), f"{folder}/genres.json", config, where)


if __name__ == "__main__":
    run(main)
