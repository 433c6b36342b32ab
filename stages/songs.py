"""Stage `songs`: files -> songs as tokens, and the files refused."""

import json
from pathlib import Path
from typing import Annotated

from typer import Option

from pipelines.runners import BeamConfig
from pipelines.songs import SongsConfig, write_songs
from stages.command import replacing, run
from stages.settings import read_params, settings


def main(
    corpus: Annotated[Path, Option()],
    out: Annotated[Path, Option()],
    metrics: Annotated[Path, Option()],
    refusals: Annotated[Path, Option()],
) -> None:
    """Reads every file; writes songs and refused files, their numbers, and the refusals by reason as a plot."""
    params = read_params()
    config = settings(SongsConfig, "songs", params["songs"])
    where = settings(BeamConfig, "beam", params["beam"])
    with replacing(out) as partial:
        counts = write_songs(str(corpus), str(partial), config, where)
    kept = counts.pop("kept")
    refused = sum(counts.values())
    metrics.write_text(json.dumps({"files": kept + refused, "kept": kept, "refused": refused}, indent=1) + "\n")
    rows = [{"reason": reason, "files": count} for reason, count in counts.items()]
    refusals.write_text(json.dumps(rows, indent=1) + "\n")
    print(f"{kept} songs kept, {refused} files refused: {counts}")


if __name__ == "__main__":
    run(main)
