"""Stage `data_report`: corpus, songs, genres and windows -> one page, its numbers and its pictures."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from typer import Option

from music.errors import InputError
from music.json_files import write_json
from music.piano_rolls import draw_windows
from music.windows import SPLITS
from pipelines.genres import genre_similarity
from pipelines.shards import read_manifest
from pipelines.statistics.census import BARS_PER_BIN
from pipelines.statistics.examples import Example, read_examples
from pipelines.statistics.report import Statistics, read_statistics
from stages.pages.charts import draw_circle, draw_refusals, draw_similarity, draw_songs, draw_states, draw_windows_flow
from stages.pages.render import write_page
from stages.shared.command import atomic_directory, run
from stages.shared.settings import PARAMS, read_settings, read_value

COLUMNS = 3


@dataclass(frozen=True)
class DataReportConfig:
    """Section `data_report` of params.yaml."""

    windows: int
    """How many of each length are drawn."""
    seed: int

    def __post_init__(self) -> None:
        if self.windows < 1:
            raise ValueError("windows must be at least 1")


def main(
    corpus: Annotated[Path, Option()],
    songs: Annotated[Path, Option()],
    genres: Annotated[Path, Option()],
    windows: Annotated[Path, Option()],
    page: Annotated[Path, Option()],
    numbers: Annotated[Path, Option()],
    pictures: Annotated[Path, Option()],
) -> None:
    """Writes what a reader needs who must decide whether to trust the data."""
    config = read_settings(DataReportConfig, PARAMS, "data_report")
    folders = {bars: str(windows / f"{bars}bar") for bars in sorted(read_value(list[int], PARAMS, "windows", "bars"))}
    document = _read_json(genres / "genres.json")
    statistics = read_statistics(str(corpus), str(songs), document, list(folders.values()))
    examples = {
        bars: read_examples(folder, str(songs), config.windows, config.seed) for bars, folder in folders.items()
    }
    with atomic_directory(pictures) as pngs:
        _draw(pngs, statistics, document, folders, examples)
    write_json(numbers, asdict(statistics))
    write_page(page, "data_report.html", data=statistics, examples=examples, pictures=pictures)


def _read_json(path: Path) -> dict[str, Any]:
    if not path.exists():
        raise InputError(f"{path}: no such file; run dvc repro genres")
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def _draw(
    pngs: Path,
    statistics: Statistics,
    document: dict[str, Any],
    folders: dict[int, str],
    examples: dict[int, list[Example]],
) -> None:
    refusals = {refusal.reason: refusal.files for refusal in statistics.refusals}
    draw_refusals(pngs / "refusals.png", refusals, statistics.files)
    songs = statistics.songs
    draw_songs(pngs / "songs.png", songs.files_by_bars, BARS_PER_BIN, songs.files_by_tracks)
    draw_windows_flow(
        pngs / "windows.png",
        {
            f"{length.bars} bars": {
                "train": length.train.windows,
                "validation": length.validation.windows,
                "repeats within a file": length.repeats_in_file,
                "repeats across files": length.repeats_across_files,
            }
            for length in statistics.windows
        },
    )
    for bars, folder in folders.items():
        manifest = read_manifest(folder)
        states = {split: np.array(manifest["states"][split]) for split in SPLITS}
        draw_states(pngs / f"tokens-{bars}bar.png", f"States of the four tracks, windows of {bars} bars", states)
        panels = [(f"{number}", example.tokens) for number, example in enumerate(examples[bars], 1)]
        draw_windows(pngs / f"examples-{bars}bar.png", f"Windows of {bars} bars, drawn by lot", panels, COLUMNS)
    if statistics.genres:
        names, counts = zip(*((genre.name, genre.songs) for genre in statistics.genres), strict=True)
        near = genre_similarity(np.array(document["co_occurrence"]))
        draw_similarity(pngs / "genres-similarity.png", names, near)
        draw_circle(pngs / "genres-circle.png", names, counts, near)


if __name__ == "__main__":
    run(main)
