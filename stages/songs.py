"""Stage `songs`: the corpus's files -> songs as tokens, and the files refused."""

from pathlib import Path
from typing import Annotated

from typer import Option

from music.json_files import write_json
from pipelines.beam.runners import BeamConfig
from pipelines.beam.storage import publish
from pipelines.songs import SongsConfig, write_songs
from stages.shared.beam import Folder, writing
from stages.shared.command import run
from stages.shared.settings import BEAM, PARAMS, read_settings


def main(corpus: Folder, out: Folder, metrics: Annotated[Path, Option()]) -> None:
    """Reads every file; writes the files kept and refused, and their numbers, by reason."""
    config = read_settings(SongsConfig, PARAMS, "songs")
    where = read_settings(BeamConfig, BEAM)
    with writing(out, where.storage) as folder:
        counts = write_songs(publish(corpus, where.storage), folder, config, where)
    files, kept, songs, reasons = (counts[name] for name in ("files", "kept", "songs", "refused"))
    write_json(
        metrics,
        {"files": files, "files_kept": kept, "songs": songs, "files_refused": files - kept, "reasons": reasons},
    )
    print(f"{kept} files kept, of {songs} songs; {files - kept} files refused: {reasons}")


if __name__ == "__main__":
    run(main)
