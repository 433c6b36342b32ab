import hashlib
from dataclasses import replace

import pytest
import torch
import yaml

from model.checkpoint import VERSIONS, Description, load, save
from model.data import read_provenance, read_windows
from model.evaluation import by_track, evaluate
from model.scales import load_scales
from model.training.first_weights import untrained
from music.errors import InputError
from stages import publish, scales
from tests.helpers.models import BRIEF, SMALL, make_windows, write_window_shards

FILES = {"model.json", "model.safetensors", "scales.json", "scales.safetensors", "SHA256SUMS"}


def trained(folder, config=SMALL, training=40):
    """A model, and windows that it might have been trained on; some validation windows are training windows."""
    windows = make_windows(60)
    (folder / "windows").mkdir(parents=True)
    (folder / "model").mkdir()
    write_window_shards(folder / "windows", windows.take(torch.arange(training)), windows.take(torch.arange(40, 60)))
    torch.manual_seed(0)
    description = Description(config, BRIEF, read_provenance(folder / "windows"), {}, VERSIONS)
    save(folder / "model", untrained(config), description)
    return folder


def test_the_stage_leaves_a_compact_model_with_its_scales(tmp_path):
    trained(tmp_path)
    for out in ("out", "again"):
        scales.main(tmp_path / "model", tmp_path / "windows", tmp_path / out, 1)
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES
    for name in FILES:
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
    model, description = load(tmp_path / "out")
    assert (tmp_path / "out/model.safetensors").stat().st_size < (tmp_path / "model/model.safetensors").stat().st_size
    measured = load_scales(tmp_path / "out", description)
    tokens = read_windows(tmp_path / "windows", description.model).training.tokens
    # All 40 windows are measured. Their codes are those of the compact weights.
    assert torch.allclose(measured.codes, model.codes(tokens).std(dim=0), atol=1e-6)
    notes = (tokens < 128).flatten(1).sum(dim=1).double()
    assert measured.attributes["notes"].mean == pytest.approx(notes.mean().item())
    assert measured.genre_scores.percentiles(tokens.numpy()).shape == (40, 3)


def test_the_scales_of_some_tracks_score_genres_too(tmp_path):
    drums = replace(SMALL, tracks=("drums",))
    trained(tmp_path, drums)
    scales.main(tmp_path / "model", tmp_path / "windows", tmp_path / "out", 1)
    assert load_scales(tmp_path / "out", load(tmp_path / "out")[1]).genre_scores


def test_too_few_windows_are_refused_and_nothing_is_left(tmp_path):
    trained(tmp_path, training=1)
    with pytest.raises(InputError, match="scales need two training windows or more, and there are 1"):
        scales.main(tmp_path / "model", tmp_path / "windows", tmp_path / "out", 1)
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    folder = trained(tmp_path_factory.mktemp("published"))
    (folder / "data.md").write_text("Noise, which belongs to nobody.\n")
    publish.main(folder / "model", folder / "windows", folder / "noise", folder / "data.md", "dvc repro <train>", 1)
    return folder


def test_the_card_has_the_form_of_hugging_faces(published):
    _, front, text = (published / "noise/README.md").read_text().split("---\n", 2)
    fields = yaml.safe_load(front)
    assert (fields["license"], fields["library_name"]) == ("apache-2.0", "musae")
    (index,) = fields["model-index"]
    (result,) = index["results"]
    assert index["name"] == "musae-noise"
    assert result["dataset"] == {"type": "midi", "name": "20 validation windows of 10 songs"}
    model, description = load(published / "noise")
    windows = read_windows(published / "windows", description.model)
    measures = by_track(evaluate(model, windows.training, windows.validation), SMALL.tracks)
    expected = [measures[name]["mean"] for name in ("accuracy", "onset_accuracy", "note_f1")]
    assert [metric["value"] for metric in result["metrics"]] == pytest.approx(expected, abs=1e-4)
    assert "Noise, which belongs to nobody." in text
    assert "dvc repro <train>" in text
    assert "| training | 40 | 20 |\n| validation | 20 | 10 |" in text


def test_the_card_names_every_file_with_its_checksum(published):
    text = (published / "noise/README.md").read_text()
    for name in FILES - {"SHA256SUMS"}:
        content = (published / "noise" / name).read_bytes()
        assert f"| `{name}` | {len(content):,} | `{hashlib.sha256(content).hexdigest()}` |" in text


def test_copies_of_training_windows_are_counted(tmp_path):
    """Here half of the validation windows are also in training: only the copies test may say so."""
    windows = make_windows(40)
    trained(tmp_path)
    for file in (tmp_path / "windows").iterdir():
        file.unlink()
    write_window_shards(tmp_path / "windows", windows.take(torch.arange(30)), windows.take(torch.arange(20, 40)))
    model, description = load(tmp_path / "model")
    save(tmp_path / "model", model, replace(description, data=read_provenance(tmp_path / "windows")))
    (tmp_path / "data.md").write_text("Noise.")
    publish.main(tmp_path / "model", tmp_path / "windows", tmp_path / "out", tmp_path / "data.md", "none", 1)
    row = next(
        line for line in (tmp_path / "out/README.md").read_text().splitlines() if "| validation windows |" in line
    )
    assert row.split(" | ")[-1] == "0.5 |"
    assert row.split(" | ")[3] == "0.0"


def test_a_card_without_words_about_the_data_is_not_written(published, tmp_path):
    with pytest.raises(InputError, match=r"none\.md: .*give a text file about the music"):
        publish.main(published / "model", published / "windows", tmp_path / "out", tmp_path / "none.md", "none", 1)
    assert not (tmp_path / "out").exists()
