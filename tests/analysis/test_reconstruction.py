import json
from dataclasses import asdict, replace

import mido
import pytest
import torch

from analysis.reconstruction.paper import PAPER, ROWS, counterpart, published_accuracies, row_names
from analysis.reconstruction.part import ReconstructionConfig, analyse_reconstruction
from analysis.reconstruction.table1 import comparison_table, markdown
from analysis.shared.bootstrap import Estimate, estimates
from analysis.shared.context import read_context
from analysis.shared.section import Table
from model.checkpoint import Description, save
from model.config import ModelConfig
from model.data import DroppedWindows, read_provenance
from model.evaluation import Counts
from model.training.first_weights import untrained
from music.tokens import SILENT
from tests.helpers.models import BRIEF, SMALL, make_context, make_windows, write_window_shards

CONFIG = ReconstructionConfig(resamples=50, windows=2, seed=0)


def counts_of(hits: list[float], chances: list[float]) -> dict[str, Counts]:
    """Counts of songs with one track."""
    return {"accuracy": Counts(*(torch.tensor(values, dtype=torch.float64)[:, None] for values in (hits, chances)))}


def test_the_interval_is_that_of_a_share_of_songs():
    half_right = counts_of([10.0, 0.0] * 50, [10.0] * 100)
    estimate = estimates(half_right, ("drums",), resamples=4000, seed=0)["accuracy"]["drums"]
    assert estimate.value == 0.5
    assert estimate.low == pytest.approx(0.5 - 1.96 * 0.05, abs=0.015)  # 0.05 = sqrt(0.5 * 0.5 / 100)
    assert estimate.high == pytest.approx(0.5 + 1.96 * 0.05, abs=0.015)


def test_songs_that_are_all_alike_leave_no_doubt():
    alike = estimates(counts_of([3.0] * 5, [4.0] * 5), ("drums",), resamples=100, seed=0)
    assert alike["accuracy"]["drums"] == Estimate(0.75, 0.75, 0.75)


def test_longer_songs_count_for_more():
    estimate = estimates(counts_of([1.0, 0.0], [1.0, 9.0]), ("drums",), resamples=500, seed=0)["accuracy"]["mean"]
    assert estimate == Estimate(0.1, 0.0, 1.0)  # both songs; the second twice; the first twice


def test_intervals_depend_on_the_seed_alone():
    counts = counts_of([float(song) for song in range(20)], [20.0] * 20)
    first = estimates(counts, ("drums",), resamples=100, seed=1)
    assert estimates(counts, ("drums",), resamples=100, seed=1) == first
    assert estimates(counts, ("drums",), resamples=100, seed=2) != first


def test_models_as_the_papers_fill_its_rows():
    sixteen_bars = replace(SMALL, bars=16, latent=64)
    assert list(row_names(sixteen_bars).values()) == list(ROWS[2:])
    alone = [row_names(replace(SMALL, bars=2, tracks=(track,)))[track] for track in ("drums", "guitar")]
    assert alone == list(ROWS[:2])
    assert set(row_names(replace(SMALL, bars=2)).values()).isdisjoint(ROWS)


@pytest.mark.parametrize("published", PAPER, ids=lambda published: published.name)
def test_the_papers_averages_are_those_of_its_tracks(published):
    sixteen_bars = dict(zip(ROWS, published.accuracy, strict=True))
    tracks = [sixteen_bars[f"16-bar {name}"] for name in ("drums", "bass", "guitar/piano", "strings")]
    for average, few in (("16-bar average", tracks), ("16-bar average without strings", tracks[:3])):
        if sixteen_bars[average] is not None:
            assert sum(few) / len(few) == pytest.approx(sixteen_bars[average], abs=0.001)


def test_a_model_is_compared_with_the_papers_of_its_kind():
    hierarchical = replace(SMALL, bars=16, network="hierarchical", prior="gaussian", regulariser="kl")
    assert counterpart(hierarchical).name == "MusicVAE, hierarchical"
    assert published_accuracies(hierarchical) == {
        "drums": 0.895, "bass": 0.782, "guitar": 0.760, "strings": None, "mean": None, "mean_without_strings": 0.812,
    }  # fmt: skip
    assert published_accuracies(replace(SMALL, bars=2, prior="gaussian", tracks=("guitar",))) == {"guitar": 0.991}
    assert counterpart(replace(SMALL, regulariser="none")) is None
    attention, recurrent = (counterpart(replace(SMALL, network=network)) for network in ("attention", "recurrent"))
    assert attention == recurrent
    assert attention.name == "MusAE, mixture"
    assert set(published_accuracies(replace(SMALL, bars=16, latent=64, regulariser="none")).values()) == {None}


def test_several_models_stand_side_by_side():
    estimate = Estimate(0.75, 0.7, 0.8)
    table = comparison_table(
        {"a": {"2-bar drums alone": estimate}, "b": {"16-bar bass": estimate, "4-bar bass": estimate}}
    )
    assert table.header[:4] == ["", "a", "b", "paper: MusAE, Gaussian"]
    cells = {row[0]: row[1:] for row in table.rows}
    assert cells["2-bar drums alone"] == ["0.750 [0.700, 0.800]", None, "0.999", None, "0.917", None]
    assert cells["4-bar bass"] == [None, "0.750 [0.700, 0.800]", None, None, None, None]
    assert cells.keys() == {"4-bar bass", *ROWS}
    assert "| 4-bar bass | – | 0.750 [0.700, 0.800] | – | – | – | – |" in markdown(table)


@pytest.mark.parametrize(
    "changes",
    [
        {"bars": 16, "latent": 64, "prior": "gaussian", "regulariser": "none"},
        {"bars": 2, "tracks": ("drums",), "prior": "gaussian"},
        {"tracks": ("drums", "bass"), "network": "flat", "prior": "gaussian", "regulariser": "kl"},
    ],
    ids=["16 bars", "drums", "flat"],
)
def test_every_kind_of_model_is_measured(tmp_path, changes):
    context = make_context(**changes)
    model = context.description.model
    section = analyse_reconstruction(context, CONFIG, tmp_path)
    assert section.missing == []
    assert all((tmp_path / figure.picture).exists() for figure in section.figures)
    assert [clip.name[:7] for clip in section.figures[1].clips] == ["window ", "rebuilt"] * 2
    metrics = {"accuracy", "note_f1", "onset_accuracy", "majority", "always_hold"} | asdict(DroppedWindows()).keys()
    assert set(section.metrics) == metrics | ({"teacher_forced_accuracy"} if model.network == "flat" else set())
    column = json.loads((tmp_path / "table1.json").read_text())
    for name in ("onset_accuracy", "majority", "always_hold"):
        assert section.metrics[name] == column["measures"][name]["mean"]["value"]
    assert (column["windows"], column["songs"], column["split"]) == (20, 10, "song")
    assert ModelConfig(**column["model"] | {"tracks": tuple(column["model"]["tracks"])}) == model
    assert (column["paper"] is None) == (model.regulariser == "none")
    for by_track in column["measures"].values():
        assert list(by_track)[: len(model.tracks)] == list(model.tracks)
        assert all(share["low"] <= share["value"] <= share["high"] for share in by_track.values())
    table = (tmp_path / "table1.md").read_text()
    assert all(f"| {row} |" in table for row in row_names(model).values())


def test_the_same_model_leaves_the_same_bytes(tmp_path):
    for name in ("once", "again"):
        (tmp_path / name).mkdir()
        analyse_reconstruction(make_context(), CONFIG, tmp_path / name)
    files = [path.relative_to(tmp_path / "once") for path in (tmp_path / "once").rglob("*") if path.is_file()]
    assert len([file for file in files if file.suffix != ".mp3"]) == 2 + 3 + 4  # pictures; Markdown and rows; clips
    for file in files:
        assert (tmp_path / "once" / file).read_bytes() == (tmp_path / "again" / file).read_bytes()


def test_one_song_and_the_papers_split_are_told(tmp_path):
    context = make_context()
    validation = replace(context.validation, songs=torch.zeros(20, dtype=torch.int32))
    context = replace(context, validation=validation, split_unit="window")
    section = analyse_reconstruction(context, CONFIG, tmp_path)
    assert section.missing == ["Intervals over songs need at least two validation songs: take more songs."]
    assert any("As in the paper, windows of one song are in both" in paragraph for paragraph in section.text)


def test_the_windows_that_are_drawn_are_validation_windows(tmp_path):
    silent = replace(make_windows(), tokens=torch.full((20, 4, 16), SILENT, dtype=torch.uint8))
    section = analyse_reconstruction(make_context(validation=silent), CONFIG, tmp_path)
    window = mido.MidiFile(tmp_path / section.figures[1].clips[0].midi)
    assert not any(message.type == "note_on" for message in window)


def test_without_validation_windows_it_says_so(tmp_path):
    section = analyse_reconstruction(replace(make_context(), validation=make_windows(0)), CONFIG, tmp_path)
    assert section.missing == ["There are no validation windows to reconstruct: take more songs."]


def test_windows_left_out_as_the_shards_are_read_are_known(tmp_path):
    windows = make_windows()
    windows.tokens[:, 0] = windows.tokens[0, 0].clone()  # all have the same drums
    write_window_shards(tmp_path / "shards", windows, windows.take(torch.arange(3)))
    (tmp_path / "model").mkdir()
    drums = replace(SMALL, tracks=("drums",))
    save(tmp_path / "model", untrained(drums), Description(drums, BRIEF, read_provenance(tmp_path / "shards"), {}, {}))
    context = read_context(tmp_path / "model", tmp_path / "shards", cpu_threads=1)
    assert (len(context.training), len(context.validation)) == (1, 0)
    assert context.dropped == DroppedWindows(repeated_in_training=19, validation_in_training=3)


def test_the_split_is_that_of_the_shards(tmp_path):
    windows = make_windows()
    write_window_shards(tmp_path / "shards", windows, windows)
    manifest = tmp_path / "shards" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"song"', '"window"'))
    (tmp_path / "model").mkdir()
    description = Description(SMALL, BRIEF, read_provenance(tmp_path / "shards"), {}, {})
    save(tmp_path / "model", untrained(SMALL), description)
    assert read_context(tmp_path / "model", tmp_path / "shards", cpu_threads=1).split_unit == "window"


@pytest.mark.parametrize("change", [{"resamples": 0}, {"windows": 0}, {"seed": -1}])
def test_settings_out_of_range_are_refused(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        replace(CONFIG, **change)


def test_windows_left_out_are_counted_in_the_metrics_and_said_in_the_text(tmp_path):
    counts = {"repeated_in_training": 1234, "repeated_in_validation": 56, "validation_in_training": 7}
    section = analyse_reconstruction(replace(make_context(), dropped=DroppedWindows(**counts)), CONFIG, tmp_path)
    assert {name: section.metrics[name] for name in counts} == counts
    (paragraph,) = (paragraph for paragraph in section.text if "left out" in paragraph)
    assert "1,234 training windows and 56 validation windows were left out because they repeat" in paragraph
    assert "and 7 validation windows because they also stand in training" in paragraph


def test_a_model_that_sees_all_windows_apart_says_nothing_of_windows_left_out(tmp_path):
    section = analyse_reconstruction(make_context(), CONFIG, tmp_path)
    assert section.metrics["repeated_in_training"] == 0
    assert not any("left out" in paragraph for paragraph in section.text)


def test_a_name_with_a_bar_stays_in_its_cell_of_a_markdown_table():
    lines = markdown(Table("Shares.", ["a|b", "c"], [["d|e", None]])).splitlines()
    assert lines[2:] == [r"| a\|b | c |", "| --- | --- |", r"| d\|e | – |"]
