"""The report page, for results whose every number is known."""

import base64
import json
import shutil
from collections import Counter
from contextlib import contextmanager

import pytest
import torch
from matplotlib.figure import Figure

from analysis.__main__ import main as analyse
from analysis.parts import PARTS
from model.checkpoint import Description, save
from model.data import read_provenance
from model.training.first_weights import untrained
from music.errors import InputError
from stages.pages.curves import draw_curves, read_curves
from stages.report import main
from tests.helpers.models import BRIEF, SMALL, make_windows, write_window_shards
from tests.helpers.pages import Page
from tests.helpers.results import HOSTILE, SOUND, write_results


def report(folder, params=None):
    page = folder.parent / "page.html"
    main(folder, folder, folder, page, params)
    return page.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return write_results(tmp_path_factory.mktemp("report") / "out")


@pytest.fixture
def copied(results, tmp_path):
    return shutil.copytree(results, tmp_path / "out")


@pytest.fixture(scope="module")
def text(results):
    return report(results)


def test_the_page_opens_offline_and_runs_nothing(text):
    page = Page(text)
    assert not set(page.tags) & {"script", "link", "iframe", "object"}
    assert "http" not in text.replace("http-equiv", "")
    kinds = Counter(address.split(",")[0] for address in page.addresses if not address.startswith("#"))
    assert kinds == {
        "data:image/png;base64": 2,  # the figure, and the curves
        "data:audio/midi;base64": 2,
        "data:audio/mpeg;base64": 1,
    }
    assert "default-src 'none'; img-src data:; media-src data:" in text


def test_every_clip_has_its_midi_and_those_with_sound_a_player(text):
    page = Page(text)
    assert page.tags.count("audio") == 1
    assert f"data:audio/mpeg;base64,{base64.b64encode(SOUND).decode()}" in page.addresses
    assert 'download="a.mid"' in text
    assert 'preload="none"' in text


def test_names_are_text_whatever_they_hold(text):
    page = Page(text)
    assert "script" not in page.tags
    for sentence in (f"Of {HOSTILE}.", f"A line of {HOSTILE}.", f"Genre {HOSTILE} has 1 song"):
        assert sentence in page.text


def test_numbers_stand_rounded_in_tables(text):
    rows = Page(text).rows
    assert [HOSTILE, "0.712", "1,234,567", "–"] in rows
    assert ["jazz", "1,234", "3", "2.0e-05"] in rows
    assert ["accuracy, drums", "0.750"] in rows
    assert ["validation loss", "2.500"] in rows
    assert ["model.hidden_size", "16"] in rows
    assert ["reconstruction.seed", "0"] in rows
    assert ["analysis: device", "x86_64"] in rows
    assert ["config.split.unit", "song"] in rows
    assert ["genres", f"jazz, {HOSTILE}"] in rows
    assert not any(row[0].startswith(("shards", "states")) for row in rows if row)


def test_intervals_stand_beside_their_values_and_windows_left_out_are_not_counted(copied):
    path = copied / "reconstruction/section.json"
    section = json.loads(path.read_text())
    section["metrics"] |= {"gain": 1.5, "gain_low": 1.25, "gain_high": 2.0, "slow_low": 3}
    section["metrics"] |= {"repeated_in_training": 1016, "validation_in_training": 88, "repeated_in_validation": 1}
    path.write_text(json.dumps(section))
    page = Page(report(copied))
    assert ["gain", "1.500 [1.250, 2.000]"] in page.rows
    assert ["slow low", "3"] in page.rows  # an end of no interval
    assert not any(row[0] in ("gain low", "gain high") for row in page.rows if row)
    assert "2,000 training windows. Another 500 windows" in page.text


def test_what_is_missing_stands_out(text):
    missing = text.split('<ul class="missing">')[1:]
    assert len(missing) == len(PARTS)  # a line of each of the two parts, and the parts that were not made
    assert "Take more songs." in "".join(missing)
    assert text.count("This part of the analysis is missing") == len(PARTS) - 2


def test_all_parts_stand_in_order_and_in_the_contents(text):
    places = [text.index(f'<section id="{part}">') for part in PARTS]
    assert places == sorted(places)
    assert all(f'href="#{part}"' in text for part in PARTS)


def test_the_same_results_give_the_same_bytes(text, copied):
    assert report(copied) == text


def test_params_are_shown_where_there_are_some(copied):
    params = copied.parent / "params.yaml"
    params.write_text("train: {prior: flower, updates: null, tracks: [drums, bass]}")
    rows = Page(report(copied, params)).rows
    assert ["train.tracks", "drums, bass"] in rows
    assert ["train.updates", "–"] in rows


def test_a_few_metrics_are_for_dvc_exp_show(copied):
    metrics = copied.parent / "metrics.json"
    description = json.loads((copied / "model.json").read_text())
    description["metrics"] |= {"loss": 1.5, "validation_accuracy": 0.25}
    (copied / "model.json").write_text(json.dumps(description))
    found = {
        "reconstruction": {
            "accuracy": {"drums": 0.75, "mean": 0.5},
            "note_f1": {"drums": 0.625, "mean": 0.375},
            "onset_accuracy": 0.125,
            "repeated_in_training": 3,
            "repeated_in_validation": 5,
            "validation_in_training": 7,
        },
        "posterior": {"spread": None, "two_sample_accuracy": 0.875, "dead_share": 0.5},
        "attributes": {"smoothness": 0.1, "smoothness_real": 0.2},
        "genres": {split: {"separability": share} for split, share in (("training", 0.9), ("validation", 0.6))},
        "control": {"mean_monotonicity": 0.3, "gain": 9.0, "gain_random": 1.5, "gain_over_random": 7.5},
        "editability": {
            "got": 0.99,
            "arrived": 0.95,
            "note_f1": 0.85,
            "note_f1_plain": 0.7,
            "note_f1_of_notes": 0.8,
            "note_f1_of_drums": 0.9,
        },
    }
    section = json.loads((copied / "interpolation/section.json").read_text())
    for part, values in found.items():
        (copied / part).mkdir(exist_ok=True)
        (copied / part / "section.json").write_text(json.dumps(section | {"metrics": values}))
    main(copied, copied, copied, copied.parent / "page.html", None, metrics)
    assert json.loads(metrics.read_text()) == {
        "loss": 2.5, "accuracy": 0.5, "onsets": 0.125, "note_f1": 0.375, "repeats": 3, "overlap": 7,
        "two_sample": 0.875, "smoothness": 0.1, "separability": 0.6, "monotonicity": 0.3, "gain_over_random": 7.5,
        "edit_arrived": 0.95, "edit_f1": 0.85,
    }  # fmt: skip


def test_every_run_is_in_the_legend_of_its_curves(tmp_path, monkeypatch):
    figure = Figure()

    @contextmanager
    def picture(*_):
        yield figure

    monkeypatch.setattr("stages.pages.curves.picture", picture)
    draw_curves(tmp_path / "no.png", {"_x": {"loss": {1: 3.0}, "validation_loss": {1: 2.0}}, "y": {"loss": {1: 4.0}}})
    names = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert names == ["_x: training", "_x: validation", "y: training"]


def test_without_curves_the_page_says_so(copied):
    (copied / "curves.csv").unlink()
    assert "There are no training curves" in report(copied)


def test_curves_of_both_forms_are_read(results, tmp_path):
    expected = {"loss": {1: 3.5, 2: 3.0}, "validation_loss": {2: 3.25}}
    assert read_curves(results) == expected
    metrics = tmp_path / "training/plots/metrics"
    metrics.mkdir(parents=True)
    (metrics / "loss.tsv").write_text("step\tloss\n1\t3.5\n2\t3.0\n")
    (metrics / "validation_loss.tsv").write_text("step\tvalidation_loss\n2\t3.25\n")
    assert read_curves(tmp_path) == expected


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("model.json", None, "model.json: no such file; give the folder of the trained model"),
        ("model.json", "{", "model.json: not whole"),
        ("model.json", "{}", "no model in it"),
        (
            "model.json",
            '{"model": {"bars": 2}, "training": {}, "data": {}, "metrics": {}, "versions": {}}',
            "no tracks in it, so its model is of another version",
        ),
        ("manifest.json", None, "manifest.json: no such file"),
        ("manifest.json", '{"digest": "d2"}', "was trained on other windows"),
        ("reconstruction/section.json", "{}", "section.json: not of this version"),
        ("reconstruction/pictures/one.png", None, "one.png: no such picture or music"),
    ],
)
def test_what_cannot_be_shown_is_named_in_one_line(copied, file, content, message):
    (copied / file).unlink()
    if content:
        (copied / file).write_text(content)
    with pytest.raises(InputError, match=message) as error:
        report(copied)
    assert "\n" not in str(error.value)
    assert not (copied.parent / "page.html").exists()


def test_what_the_analysis_left_elsewhere_makes_the_page_alone(tmp_path, monkeypatch):
    model, windows, out = (tmp_path / name for name in ("model", "windows", "out"))
    model.mkdir()
    write_window_shards(windows, make_windows(), make_windows(4))
    manifest = json.loads((windows / "manifest.json").read_text()) | {"train": 20, "validation": 4}
    (windows / "manifest.json").write_text(json.dumps(manifest))
    save(model, untrained(SMALL), Description(SMALL, BRIEF, read_provenance(windows), {"loss": 1.5}, {}))
    monkeypatch.setattr("analysis.__main__.PARTS", ["interpolation"])
    monkeypatch.setattr("sys.argv", ["analysis", str(model), str(windows), str(out)])
    analyse()
    shutil.rmtree(model)
    shutil.rmtree(windows)
    rows = Page(report(out)).rows
    assert ["loss", "1.500"] in rows
    assert ["analysis: torch", torch.__version__] in rows
    assert any(row[0] == "interpolation.seed" for row in rows if row)
