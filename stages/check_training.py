"""Stage `check_training`: says so if there are no windows to train on, before DVC misses their folder."""

from pathlib import Path
from typing import Annotated

from typer import Option

from music.errors import InputError
from stages.shared.command import run
from stages.shared.settings import PARAMS, read_value


def main(out: Annotated[Path, Option()]) -> None:
    """Writes a file, which stage `train` waits for, if `windows.bars` has the length `train.bars`."""
    bars = read_value(int, PARAMS, "train", "bars")
    lengths = read_value(list[int], PARAMS, "windows", "bars")
    if bars not in lengths:
        raise InputError(
            f"train.bars is {bars}, but windows.bars is {lengths}, so there are no windows of that length; "
            f"set windows.bars to {[*lengths, bars]}, or train.bars to one of {lengths}"
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text("checked\n")


if __name__ == "__main__":
    run(main)
