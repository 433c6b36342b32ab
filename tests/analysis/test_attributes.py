import json
import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from dvc_render.vega import VegaRenderer

from analysis.attributes import part as attributes_part
from analysis.attributes.circle import (
    agreement,
    autocorrelation,
    circle_order,
    p_value,
    shuffled_orders,
    turned_orders,
)
from analysis.attributes.group_metrics import GroupMetrics, group_metrics, mean_of_known
from analysis.attributes.part import AttributesConfig, analyse_attributes
from analysis.attributes.pictures import COLOUR_LIMIT
from analysis.attributes.smoothness import agreement_section, smoothness_section
from analysis.shared.context import EvaluationContext
from analysis.shared.section import Section
from model.checkpoint import Description
from model.data import Provenance, WindowSet
from model.training.first_weights import untrained
from music.metrics import METRICS
from music.tokens import HOLD, SILENT
from tests.helpers.models import BRIEF, SMALL, make_windows, seen_by

CONFIG = AttributesConfig(samples=5, windows=6, songs=2, shuffles=20, seed=0)
TEMPLATES = Path(__file__).parents[2] / ".dvc/plots"
GENRES = ["rock", "pop", "jazz", "folk", "$oul"]


def windows_of_genres(tagged: list[list[int]]) -> WindowSet:
    """Two windows a song, of songs with these genres."""
    windows = make_windows(2 * len(tagged))
    genres = torch.zeros(len(windows), len(GENRES), dtype=torch.bool)
    for song, tags in enumerate(tagged):
        genres[2 * song : 2 * song + 2, tags] = True
    return WindowSet(windows.tokens, genres, windows.songs)


ALL_TAGGED = windows_of_genres([[genre] for genre in range(5)] * 2)


def analyse(
    out: Path,
    windows: WindowSet = ALL_TAGGED,
    config: AttributesConfig = CONFIG,
    validation: WindowSet | None = None,
    **changes,
) -> Section:
    torch.manual_seed(0)
    model_config = replace(SMALL, **{"genres": windows.genres.shape[1]} | changes)
    model = untrained(model_config).eval()
    names = GENRES[: windows.genres.shape[1]]
    windows = seen_by(windows, model_config)
    description = Description(model_config, BRIEF, Provenance(model_config.bars, names, ""), {}, {})
    out.mkdir(exist_ok=True)
    held_out = windows if validation is None else validation
    return analyse_attributes(EvaluationContext(model, description, windows, held_out, "song"), config, out)


def test_neighbours_that_are_alike_are_smooth():
    wave = np.cos(2 * np.pi * np.arange(8) / 8)
    rows = np.stack([wave, 5 + 2 * wave, np.tile([1.0, -1.0], 4), np.ones(8), np.append(wave[:-1], np.nan)])
    smoothness = autocorrelation(rows, circle_order(8))[0]
    assert smoothness[:3] == pytest.approx([math.cos(2 * math.pi / 8)] * 2 + [-1])
    assert np.isnan(smoothness[3:]).all()


def test_smoothness_depends_on_the_order_and_the_last_neighbours_the_first():
    values = np.array([[0.0, 0.0, 1.0, 1.0, 1.0, 0.0]])
    orders = np.array([[0, 1, 2, 3, 4, 5], [2, 3, 4, 5, 0, 1], [0, 2, 1, 3, 5, 4]])
    # products of neighbours' +-1: four 1 and two -1, twice; then all six -1
    assert autocorrelation(values, orders)[:, 0] == pytest.approx([1 / 3, 1 / 3, -1])


def test_agreement_is_of_ranks():
    values = np.array([[1.0, 2.0, 3.0, 4.0]])
    others = np.array([[10.0, 20.0, 40.0, 30.0]])
    orders = np.array([[0, 1, 2, 3], [0, 1, 3, 2], [2, 3, 1, 0]])
    # the others' ranks are 1 2 4 3, 1 2 3 4 and 4 3 2 1: rho is 1 - 6 d^2 / (4 * 15)
    assert agreement(values, others, orders)[:, 0] == pytest.approx([0.8, 1, -1])


def test_the_circle_turns_in_every_other_way():
    turned = [tuple(order) for order in turned_orders(5).tolist()]
    assert len(turned) == len(set(turned)) == 9
    assert tuple(range(5)) not in turned
    assert all((after - before) % 5 in (1, 4) for order in turned for before, after in pairwise(order))


def test_shuffled_orders_have_every_genre_and_depend_on_the_seed_alone():
    first = shuffled_orders(6, 50, seed=1)
    assert (np.sort(first, axis=1) == np.arange(6)).all()
    assert (first == shuffled_orders(6, 50, seed=1)).all()
    assert (first != shuffled_orders(6, 50, seed=2)).any()


def test_chance_is_the_share_as_large_and_counts_what_was_seen():
    others = np.array([[1.0, np.nan], [2.0, np.nan], [3.0, np.nan]])
    assert p_value(np.array([2.0, np.nan]), others).tolist() == [
        pytest.approx(3 / 4),
        pytest.approx(np.nan, nan_ok=True),
    ]
    assert p_value(9.0, np.array([1.0, 2.0, 3.0])) == 1 / 4


def test_means_leave_out_what_is_unknown():
    assert mean_of_known(np.array([[1.0, np.nan, 3.0], [np.nan] * 3]), axis=1).tolist() == pytest.approx(
        [2, np.nan], nan_ok=True
    )


def test_groups_are_measured_against_all():
    groups = GroupMetrics([np.array([[2.0, 4.0], [np.nan, 1.0]]), np.array([[9.0], [np.nan]]), np.empty((2, 0))])
    assert groups.overall.tolist() == [5, 1]
    np.testing.assert_allclose(groups.by_group, [[3, 9, np.nan], [1, np.nan, np.nan]])
    np.testing.assert_allclose(groups.relative, [[-0.4, 0.8, np.nan], [0, np.nan, np.nan]])
    assert groups.error[0] == pytest.approx(math.sqrt((1 / 2 + 0) / 2) / 5)  # variances 1 and 0, of 2 and 1 windows


def test_windows_of_some_tracks_are_measured():
    tokens = torch.full((3, 1, 16), SILENT, dtype=torch.uint8)
    tokens[0, 0, :4] = torch.tensor([60, HOLD, 62, HOLD])
    values = dict(zip(METRICS, group_metrics([tokens], ("strings",)).groups[0].tolist(), strict=True))
    assert values["notes"] == [2, 0, 0]
    assert values["drum density"] == [0, 0, 0]
    assert values["polyphony"] == [4 / 16, 0, 0]


@pytest.fixture(scope="module")
def part(tmp_path_factory) -> tuple[Path, Section]:
    """The part of a flower, and its folder."""
    folder = tmp_path_factory.mktemp("part")
    return folder, analyse(folder)


def test_the_section_of_a_flower(part):
    folder, section = part
    assert section.missing == []
    assert set(section.metrics) == {
        "difference", "smoothness", "smoothness_shuffled", "smoothness_p", "smoothness_real", "agreement", "agreement_p"
    }  # fmt: skip
    assert all(isinstance(value, float) and math.isfinite(value) for value in section.metrics.values())
    heat_maps, piano_rolls = section.figures
    assert {path.name for path in (folder / "pictures").iterdir()} == {"attributes.png", "samples.png"}
    assert heat_maps.picture == "pictures/attributes.png"
    assert [clip.name for clip in piano_rolls.clips] == [*GENRES, "whole prior"]
    assert all((folder / clip.midi).exists() for clip in piano_rolls.clips)
    assert [[row[0] for row in table.rows] for table in section.tables] == [list(METRICS)] * 3
    json.dumps([table.rows for table in section.tables], allow_nan=False)


def test_samples_are_compared_with_training_windows(tmp_path):
    silent = replace(ALL_TAGGED, tokens=torch.full_like(ALL_TAGGED.tokens, SILENT))
    notes = (ALL_TAGGED.tokens < 128).sum(dim=(1, 2)).double().mean()
    section = analyse(tmp_path, validation=silent)
    (row,) = (row for row in section.tables[0].rows if row[0] == "notes")
    assert row[2] == pytest.approx(notes.item())


def test_every_gaussian_has_random_numbers_of_its_own(tmp_path, monkeypatch):
    seeds = []
    genuine = attributes_part.sample_windows

    def sample_windows(model, genre, count, seed):
        seeds.append(seed)
        return genuine(model, genre, count, seed)

    monkeypatch.setattr(attributes_part, "sample_windows", sample_windows)
    for seed in (0, 1):
        analyse(tmp_path / str(seed), config=replace(CONFIG, seed=seed))
    assert len(set(seeds)) == len(seeds) == 2 * (len(GENRES) + 1)  # and the whole prior


def test_the_rows_of_the_heat_map_are_in_circle_order(part):
    rows = [row for row in json.loads((part[0] / "rows.json").read_text()) if row["metric"] == "notes"]
    assert [row["genre"] for row in rows] == GENRES
    # as many windows of each genre: the mean of the means is the mean of all
    assert sum(row["value"] for row in rows) == pytest.approx(0)


def test_dvc_draws_the_rows_with_the_same_colours(part):
    renderer = VegaRenderer(
        json.loads((part[0] / "rows.json").read_text()),
        "rows.json", template="heatmap", template_dir=str(TEMPLATES), x="genre", y="metric",
    )  # fmt: skip
    drawn = renderer.get_filled_template()
    assert "<DVC_METRIC" not in json.dumps(drawn)
    encoding = drawn["spec"]["encoding"]
    assert (encoding["x"]["field"], encoding["y"]["field"], encoding["color"]["field"]) == ("genre", "metric", "value")
    assert encoding["color"]["scale"]["domain"] == [-COLOUR_LIMIT, 0, COLOUR_LIMIT]
    assert len(drawn["data"]["values"]) > len(GENRES)


def test_the_same_seed_gives_the_same_bytes(part, tmp_path):
    folder, section = part
    assert analyse(tmp_path) == section
    written = sorted(path.relative_to(folder) for path in folder.rglob("*.*"))
    assert len([path for path in written if path.suffix == ".mid"]) == len(GENRES) + 1
    for path in written:
        assert (tmp_path / path).read_bytes() == (folder / path).read_bytes(), path


def test_genres_of_too_few_songs_are_named_and_left_out(tmp_path):
    windows = windows_of_genres([[0], [0, 1], [1, 2], [2, 3], [3], [4]])  # $oul has a song
    section = analyse(tmp_path, windows)
    (line,) = section.missing
    assert "$oul" in line
    assert not any(genre in line for genre in GENRES[:4])
    assert "agreement" in section.metrics


def test_agreement_is_not_judged_by_few_genres():
    generator = np.random.default_rng(0)
    groups = [generator.random((len(METRICS), 3)) for _ in range(5)]
    section = agreement_section(
        GroupMetrics(groups), GroupMetrics([*groups[:3], np.empty((len(METRICS), 0)), groups[4]]), 9, 0
    )
    assert section.missing == []
    assert section.metrics["agreement"] == pytest.approx(1)
    assert section.metrics["agreement_p"] == 1 / 8  # of four genres' eight ways around
    section = agreement_section(
        GroupMetrics(groups), GroupMetrics([*groups[:3], *[np.empty((len(METRICS), 0))] * 2]), 9, 0
    )
    assert len(section.missing) == 1
    assert section.metrics == {}


def test_gaussians_that_are_all_alike_have_no_smoothness():
    alike = GroupMetrics([np.ones((len(METRICS), 3))] * 5)
    for section in (smoothness_section(alike, 9, 0), agreement_section(alike, alike, 9, 0)):
        assert len(section.missing) == 1
        assert section.metrics == {}


def test_a_circle_of_few_genres_is_not_judged(tmp_path):
    section = analyse(tmp_path, make_windows())
    assert set(section.metrics) == {"difference"}
    assert len(section.figures) == 2
    assert any("4 genres" in line for line in section.missing)


def test_one_gaussian_has_no_circle(tmp_path):
    section = analyse(tmp_path, prior="gaussian", network="flat", regulariser="kl")
    (line,) = section.missing
    assert "flower" in line
    assert set(section.metrics) == {"difference"}
    assert [clip.name for clip in section.figures[0].clips] == [f"sample {number}" for number in range(1, 6)]
    assert json.loads((tmp_path / "rows.json").read_text()) == []


def test_drums_alone_have_no_pitches(tmp_path):
    section = analyse(tmp_path, tracks=("drums",))
    assert any("mean pitch" in line and "drum" not in line.split(":")[0] for line in section.missing)
    means = {row[0]: row[1] for row in section.tables[0].rows}
    assert means["mean pitch"] is None
    assert means["polyphony"] == 0


@pytest.mark.parametrize("wrong", [{"samples": 0}, {"windows": 0}, {"songs": 0}, {"shuffles": 0}])
def test_settings_that_draw_nothing_are_refused(wrong):
    with pytest.raises(ValueError, match="at least 1"):
        replace(CONFIG, **wrong)
