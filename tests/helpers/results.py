"""Results as the analysis of a trained model writes them, so small that tests know every number."""

import json
from dataclasses import asdict
from pathlib import Path

from analysis.shared.section import Clip, Figure, Section, Table, write_section
from music.pictures import picture
from music.tokens import TRACKS
from tests.helpers.models import BRIEF, SMALL

HOSTILE = "<script>alert(1)</script>"
SOUND = b"ID3 is how an MP3 begins"
SPLIT = {"seed": 0, "unit": "song", "validation": 0.2}


def write_results(folder: Path, *, accuracy: float = 0.75, digest: str = "d1", seed: int = 0) -> Path:
    """Writes what `python -m analysis` does: two parts, one of them with everything that a section can have."""
    folder.mkdir(parents=True)
    description = {
        "model": asdict(SMALL),
        "training": asdict(BRIEF) | {"seed": seed},
        "data": {"bars": 1, "genres": ["jazz", HOSTILE], "digest": digest},
        "metrics": {"validation_accuracy": accuracy, "validation_loss": 2.5},
        "versions": {"torch": "2.13.0"},
    }
    manifest = {
        "config": {"bars": 1, "cap": 64, "split": SPLIT},
        "digest": digest,
        "genres": ["jazz", HOSTILE],
        "shards": [{"name": "train-0"}],
        "states": {"train": [[1]]},
        "train": 3016,
        "validation": 589,
    }
    for name, value in {"model.json": description, "manifest.json": manifest}.items():
        (folder / name).write_text(json.dumps(value))
    (folder / "curves.csv").write_text("update,loss,validation_loss\n1,3.5,\n2,3.0,3.25\n")
    _write_full(folder / "reconstruction", accuracy, seed)
    (folder / "interpolation").mkdir()
    write_section(folder / "interpolation", Section("Interpolation", [], {}, missing=["Take more songs."]))
    return folder


def _write_full(out: Path, accuracy: float, seed: int) -> None:
    for name in ("pictures", "clips"):
        (out / name).mkdir(parents=True)
    with picture(out / "pictures/one.png", 2, 1) as figure:
        figure.subplots().plot([0, accuracy])
    (out / "clips/a.mid").write_bytes(b"MThd")
    (out / "clips/a.mp3").write_bytes(SOUND)
    clips = [Clip("heard", "clips/a.mid", "clips/a.mp3"), Clip("read", "clips/a.mid", None)]
    rows = [[HOSTILE, 0.71249, 1234567, None], ["jazz", 1234.5, 3, 0.00002]]
    section = Section(
        "Reconstruction",
        [f"Of {HOSTILE}."],
        {"accuracy": {"drums": accuracy, "mean": 0.5}, "majority": accuracy - 0.25},
        [Figure("pictures/one.png", f"A line of {HOSTILE}.", clips)],
        [Table("Shares.", ["genre", "share", "windows", "p"], rows)],
        [f"Genre {HOSTILE} has 1 song: take more songs."],
        {"seed": seed},
        {"device": "x86_64"},
    )
    write_section(out, section)
    estimate = {"value": accuracy, "low": accuracy - 0.125, "high": 0.875}
    measures = {"accuracy": dict.fromkeys((*TRACKS, "mean", "mean_without_strings"), estimate)}
    table_1 = {"model": asdict(SMALL), "split": "song", "windows": 589, "songs": 25, "measures": measures}
    (out / "table1.json").write_text(json.dumps(table_1 | {"paper": None}))
