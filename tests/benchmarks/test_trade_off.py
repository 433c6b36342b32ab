"""The trade-off between accuracy, prior fit and edits, with tiny models on made-up windows."""

import itertools
import json
import shutil
import sys
from dataclasses import replace
from statistics import mean

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from benchmarks.trade_off import __main__ as trade_off
from benchmarks.trade_off import measures
from benchmarks.trade_off.picture import draw
from benchmarks.trade_off.variants import VARIANTS, Trial
from tests.helpers.models import make_windows, write_window_shards
from tests.helpers.pictures import collect_texts

RECIPE = """
[tiny.model]
hidden_size = 16
layers = 1
latent = 16
noise_floor = 0.75

[tiny.training]
updates = 8
batch = 8
learning_rate = 0.01
beta_every = 1
critic_updates = 1
moments_weight = 0.2
flow_updates = 4
free_bits = 1
evaluate_every = 4
"""
NAMES = ["no noise", "floor .5", "floor .75", "floor .9", "no pull", "critic alone", "moments x 5", "moments x 25",
         "denoised"]  # fmt: skip


def songs_of_one_window(count):
    return replace(make_windows(count, bars=2), songs=torch.arange(count, dtype=torch.int32))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a recipe and window shards, in which commands run."""
    (tmp_path / "recipes.toml").write_text(RECIPE)
    (tmp_path / "windows").mkdir()
    training, validation = (songs_of_one_window(count) for count in (40, 12))
    write_window_shards(tmp_path / "windows", training, validation)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def made_up(monkeypatch):
    """Replaces the measuring of a model; yields the descriptions of the models that were trained."""
    trained = []

    def measure(context):
        trained.append(context.description)
        number = len(trained)
        return dict.fromkeys(itertools.chain(*trade_off.COLUMNS.values()), 0.0) | {
            "accuracy": number / 100,
            "two_sample": 0.5,
            "note_f1 of notes -1": 0.7,
            "note_f1 of notes +1": 0.8,
        }

    monkeypatch.setattr(trade_off, "measure", measure)
    return trained


def run(monkeypatch, *arguments):
    command = ["trade_off", "windows", "out", "--recipe", "tiny", "--updates", "4", *arguments]
    monkeypatch.setattr(sys, "argv", command)
    trade_off.main()


def printed_rows(printed):
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in printed.splitlines() if line[:1] == "|"]
    header, _, *rows = rows
    return {row[0]: dict(zip(header, row, strict=True)) for row in rows}


def test_each_variant_differs_in_what_it_is_named_for(folder, made_up, monkeypatch):
    run(monkeypatch, "--seeds", "0")
    found = [
        (
            made.model.noise_floor,
            round(made.training.moments_weight, 3),
            made.model.regulariser,
            made.training.denoising_weight,
        )
        for made in made_up
    ]
    assert dict(zip(NAMES, found, strict=True)) == {
        "no noise": (0, 0.2, "wgan_gp", 0),
        "floor .5": (0.5, 0.2, "wgan_gp", 0),
        "floor .75": (0.75, 0.2, "wgan_gp", 0),
        "floor .9": (0.9, 0.2, "wgan_gp", 0),
        "no pull": (0.75, 0.2, "none", 0),  # which leaves the moments out
        "critic alone": (0.75, 0, "wgan_gp", 0),
        "moments x 5": (0.75, 1, "wgan_gp", 0),
        "moments x 25": (0.75, 5, "wgan_gp", 0),
        "denoised": (0.75, 0.2, "wgan_gp", 0.3),
    }
    assert {(made.training.updates, made.training.flow_updates) for made in made_up} == {(4, 0)}


def test_the_table_has_means_of_the_seeds_and_the_picture_names_the_variants(folder, made_up, monkeypatch, capsys):
    texts = collect_texts(monkeypatch)
    run(monkeypatch)
    rows = printed_rows(capsys.readouterr().out)
    assert list(rows) == NAMES
    assert [made.training.seed for made in made_up] == 9 * [0] + 9 * [1]
    # The first seed's accuracies are .01, .02 ... and the second's .10, .11 ...
    assert rows["no noise"]["accuracy"] == "0.055 ± 0.045"
    assert rows["moments x 25"]["accuracy"] == "0.125 ± 0.045"
    assert rows["floor .9"]["told apart"] == "0.500 ± 0.000"
    assert rows["floor .9"]["note F1, notes"] == "0.750 ± 0.000"
    assert set(NAMES) <= texts["trade-off.png"]


def test_points_are_trainings_and_curves_go_through_their_means(tmp_path, monkeypatch):
    figures = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, *_, **__: figures.append(figure))
    results = {
        Trial(variant, seed, updates=4): {"accuracy": 0.9 + 0.02 * seed, "two_sample": place / 10, "edit_note_f1": 0.5}
        for place, variant in enumerate(VARIANTS)
        for seed in (0, 1)
    }
    draw(tmp_path / "picture.png", results)
    left, right = figures[0].axes
    lines = {line.get_label(): line for line in left.lines}
    assert lines["floor .9"].get_xydata() == pytest.approx(np.array([[0.3, 0.1], [0.3, 0.08]]))
    assert lines["with the floor of noise"].get_xdata() == pytest.approx([0, 0.1, 0.2, 0.3])
    assert lines["with the pull toward the prior"].get_xdata() == pytest.approx([0.4, 0.5, 0.2, 0.6, 0.7])
    assert lines["with the floor of noise"].get_ydata() == pytest.approx([0.09] * 4)
    assert {x for line in right.lines for x in line.get_xdata()} == {0.5}


def test_a_command_that_was_stopped_goes_on(folder, made_up, monkeypatch, capsys):
    measured = trade_off.measure

    def stopped_at_the_third(context):
        if len(made_up) == 2:
            raise KeyboardInterrupt
        return measured(context)

    monkeypatch.setattr(trade_off, "measure", stopped_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        run(monkeypatch, "--seeds", "0")
    assert len(list((folder / "out").glob("*.json"))) == 2
    monkeypatch.setattr(trade_off, "measure", measured)
    run(monkeypatch, "--seeds", "0")
    assert len(made_up) == len(VARIANTS)
    run(monkeypatch, "--seeds", "0")
    assert len(made_up) == len(VARIANTS)
    assert {path.suffix for path in (folder / "out").iterdir()} == {".json", ".png"}


def test_a_model_is_measured_the_same_when_it_is_trained_again(folder, monkeypatch):
    few = replace(measures.EDITS, windows=8, training_windows=30, classifier_windows=30, attempts=3)
    monkeypatch.setattr(measures, "EDITS", few)
    monkeypatch.setattr(trade_off, "VARIANTS", VARIANTS[:1])
    monkeypatch.setattr(trade_off, "draw", lambda *_: None)
    run(monkeypatch, "--seeds", "0")
    (file,) = (folder / "out").glob("*.json")
    first = json.loads(file.read_text())
    assert {"accuracy", "two_sample", "spread", "way_back", "note_f1 of polyphony -1", "genre_gain"} <= set(first)
    assert 0 < first["accuracy"] < 1
    assert 0.5 <= first["two_sample"] <= 1
    arrived = [first[f"arrived of {name} {change}"] for name in few.attributes for change in ("-1", "+1")]
    assert first["edit_arrived"] == (None if None in arrived else pytest.approx(mean(arrived)))
    shutil.rmtree(folder / "out")
    run(monkeypatch, "--seeds", "0")
    assert json.loads(file.read_text()) == first
