"""Stage `songs`: files -> songs as tokens, and the files refused."""

from pathlib import Path
from typing import Annotated

from typer import Option

from pipelines.runners import BeamConfig
from pipelines.songs import SongsConfig, write_songs
from stages.command import replacing, run, write_json
from stages.settings import BEAM, PARAMS, read_settings


def main(
    corpus: Annotated[Path, Option()],
    out: Annotated[Path, Option()],
    metrics: Annotated[Path, Option()],
    refusals: Annotated[Path, Option()],
) -> None:
    """Reads every file; writes songs and refused files, their numbers, and the refusals by reason as a plot."""
    config = read_settings(SongsConfig, PARAMS, "songs")
    where = read_settings(BeamConfig, BEAM)
    with replacing(out) as partial:
        kept, reasons = write_songs(str(corpus.resolve()), str(partial), config, where)
    refused = sum(reasons.values())
    write_json(metrics, {"files": kept + refused, "kept": kept, "refused": refused, "reasons": reasons})
    write_json(refusals, [{"reason": reason, "files": count} for reason, count in reasons.items()])
    print(f"{kept} songs kept, {refused} files refused: {reasons}")


if __name__ == "__main__":
    run(main)
