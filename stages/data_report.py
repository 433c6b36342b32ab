"""Stage `data_report`: corpus, songs, genres and windows -> one page, its numbers and its pictures."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import numpy as np
from typer import Option

from music.arrays import FloatArray
from music.json_files import read_json, write_json
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
from stages.shared.settings import PARAMS, read_value

EXAMPLES = 6
"""The number of windows of each length that are shown."""
EXAMPLES_SEED = 0
COLUMNS = 3


def main(
    corpus: Annotated[Path, Option()],
    songs: Annotated[Path, Option()],
    genres: Annotated[Path, Option()],
    windows: Annotated[Path, Option()],
    out: Annotated[Path, Option(help="gets the endings .html and .json; the folder of this name gets the pictures")],
) -> None:
    """Writes the page, the numbers and the pictures from which a reader can judge the data."""
    folders = {bars: str(windows / f"{bars}bar") for bars in sorted(read_value(list[int], PARAMS, "windows", "bars"))}
    vocabulary = read_json(genres / "genres.json", "run dvc repro genres")
    statistics = read_statistics(str(corpus), str(songs), vocabulary, list(folders.values()))
    examples = {bars: read_examples(folder, str(songs), EXAMPLES, EXAMPLES_SEED) for bars, folder in folders.items()}
    with atomic_directory(out) as pictures:
        _draw_files(pictures, statistics)
        for bars, folder in folders.items():
            _draw_windows(pictures, bars, folder, examples[bars])
        if statistics.genres:
            _draw_genres(pictures, statistics, genre_similarity(np.array(vocabulary["co_occurrence"])))
    write_json(out.with_suffix(".json"), asdict(statistics))
    write_page(out.with_suffix(".html"), "data_report.html", data=statistics, examples=examples, pictures=out)


def _draw_files(folder: Path, statistics: Statistics) -> None:
    refusals = {refusal.reason: refusal.files for refusal in statistics.refusals}
    draw_refusals(folder / "refusals.png", refusals, statistics.files)
    songs = statistics.songs
    draw_songs(folder / "songs.png", songs.files_by_bars, BARS_PER_BIN, songs.files_by_tracks)
    lengths = {
        f"{length.bars} bars": {
            "train": length.train.windows,
            "validation": length.validation.windows,
            "repeats within a file": length.repeats_in_file,
            "repeats across files": length.repeats_across_files,
        }
        for length in statistics.windows
    }
    draw_windows_flow(folder / "windows.png", lengths)


def _draw_windows(folder: Path, bars: int, windows: str, examples: list[Example]) -> None:
    manifest = read_manifest(windows)
    states = {split: np.array(manifest["states"][split]) for split in SPLITS}
    draw_states(folder / f"tokens-{bars}bar.png", f"States of the four tracks, windows of {bars} bars", states)
    rolls = [(f"{number}", example.tokens) for number, example in enumerate(examples, 1)]
    draw_windows(folder / f"examples-{bars}bar.png", f"Windows of {bars} bars, chosen at random", rolls, COLUMNS)


def _draw_genres(folder: Path, statistics: Statistics, similarities: FloatArray) -> None:
    names = [genre.name for genre in statistics.genres]
    draw_similarity(folder / "genres-similarity.png", names, similarities)
    draw_circle(folder / "genres-circle.png", names, [genre.songs for genre in statistics.genres], similarities)


if __name__ == "__main__":
    run(main)
