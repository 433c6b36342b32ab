"""Stage `genres`: songs -> the genre vocabulary, in its order around the circle."""

from pipelines.beam.runners import BeamConfig
from pipelines.beam.storage import publish
from pipelines.genres import GenresConfig, write_genres
from stages.shared.beam import Folder, writing
from stages.shared.command import run
from stages.shared.settings import BEAM, PARAMS, read_settings


def main(songs: Folder, out: Folder) -> None:
    """Writes genres.json."""
    config = read_settings(GenresConfig, PARAMS, "genres")
    where = read_settings(BeamConfig, BEAM)
    with writing(out, where.storage) as folder:
        write_genres(publish(songs, where.storage), f"{folder}/genres.json", config, where)


if __name__ == "__main__":
    run(main)
