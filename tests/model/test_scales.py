import subprocess
from dataclasses import replace

import numpy as np
import pytest
import torch

from analysis.shared.moves.genre_classifier import score_genres
from model.checkpoint import Description, save
from model.data import Provenance, WindowSet
from model.digests import write_digests
from model.editing.expectations import EXPECTATIONS
from model.scales import Scales, load_scales, measure_scales, save_scales
from model.training.first_weights import untrained
from music.errors import InputError
from music.metrics import METRICS
from music.tokens import SILENT, TRACKS
from tests.helpers.models import BRIEF, GENRES, SMALL, make_windows

DESCRIPTION = Description(SMALL, BRIEF, Provenance(1, GENRES, "abc"), {}, {})


def drummed(*notes: int) -> torch.Tensor:
    """Windows of a bar with as many drum notes, and nothing else; (windows, 4, 16)."""
    tokens = torch.full((len(notes), 4, 16), SILENT, dtype=torch.uint8)
    for window, count in zip(tokens, notes, strict=True):
        window[0, :count] = 36
    return tokens


def windows_of(tokens: torch.Tensor, *tags: tuple[bool, ...]) -> WindowSet:
    return WindowSet(tokens, torch.tensor(tags), torch.arange(len(tokens), dtype=torch.int32))


@pytest.fixture
def scales() -> Scales:
    """Of random windows and codes."""
    windows = make_windows(40)
    codes = torch.randn(40, SMALL.latent, generator=torch.Generator().manual_seed(1))
    scores = score_genres(windows.tokens[:20].numpy(), windows.genres[:20].numpy(), windows.tokens[20:].numpy())
    return measure_scales(windows, codes, TRACKS, scores)


@pytest.fixture
def folder(tmp_path, scales):
    """A model with its scales."""
    save(tmp_path, untrained(SMALL), DESCRIPTION)
    save_scales(tmp_path, scales)
    return tmp_path


def test_attributes_and_codes_are_measured_over_windows():
    windows = windows_of(drummed(2, 4, 6, 8), (True, False), (True, False), (False, False), (False, False))
    codes = torch.tensor([[1.0, 5.0], [3.0, 5.0], [5.0, 5.0], [7.0, 5.0]])
    scales = measure_scales(windows, codes, TRACKS, None)
    notes = scales.attributes["notes"]
    assert (notes.mean, notes.deviation) == (5, pytest.approx(5**0.5))
    assert notes.quantiles[[0, 50, 100]].tolist() == [2, 5, 8]
    assert len(notes.quantiles) == 101
    assert scales.codes.tolist() == [pytest.approx((20 / 3) ** 0.5), 0]
    # One deviation of the notes, sqrt(5), is as many in the first dimension, where codes rise by 2 for 2 notes.
    assert scales.slopes["notes"].tolist() == [pytest.approx(5**0.5), 0]
    # The first genre's codes are lower by 4; one deviation of all codes along that is sqrt(20 / 3). Nobody is second.
    assert scales.genre_steps.tolist() == [[pytest.approx(-((20 / 3) ** 0.5)), 0], [0, 0]]


def test_an_attribute_that_no_window_has_or_that_never_differs_is_no_unit_of_edits():
    windows = windows_of(drummed(2, 2, 2), (True,), (True,), (False,))
    scales = measure_scales(windows, torch.randn(3, 2), TRACKS, None)
    assert "mean pitch" not in scales.attributes  # there are no pitched notes
    assert scales.attributes["notes"].deviation == 0
    assert scales.spread.attributes == {}
    assert scales.slopes == {}


def test_a_model_of_some_tracks_has_scales_of_those(scales):
    windows = windows_of(drummed(2, 4)[:, :1], (True,), (False,))
    assert measure_scales(windows, torch.randn(2, 2), ["drums"], None).attributes["drum density"].mean == 3


def test_scales_come_back_whole(folder, scales):
    again = load_scales(folder, DESCRIPTION)
    assert torch.equal(again.codes, scales.codes)
    assert torch.equal(again.genre_steps, scales.genre_steps)
    assert list(again.attributes) == list(scales.attributes) == list(METRICS)
    for name, scale in scales.attributes.items():
        assert (again.attributes[name].mean, again.attributes[name].deviation) == (scale.mean, scale.deviation)
        np.testing.assert_array_equal(again.attributes[name].quantiles, scale.quantiles)
    assert list(again.slopes) == [name for name in METRICS if name in EXPECTATIONS]
    assert all(torch.equal(again.slopes[name], slope) for name, slope in scales.slopes.items())
    assert again.spread.attributes == scales.spread.attributes
    tokens = make_windows(6).tokens.numpy()
    np.testing.assert_array_equal(again.genre_scores.percentiles(tokens), scales.genre_scores.percentiles(tokens))


def test_scales_without_genres_come_back(tmp_path):
    windows = replace(make_windows(), genres=torch.zeros(20, 0, dtype=torch.bool))
    save(tmp_path, untrained(SMALL), DESCRIPTION)
    save_scales(tmp_path, measure_scales(windows, torch.randn(20, SMALL.latent), TRACKS, None))
    again = load_scales(tmp_path, replace(DESCRIPTION, data=Provenance(1, [], "abc")))
    assert again.genre_scores is None
    assert again.genre_steps.shape == (0, SMALL.latent)


FILES = ["model.json", "model.safetensors", "scales.json", "scales.safetensors"]


@pytest.mark.parametrize("name", FILES)
def test_a_changed_byte_is_noticed_and_its_file_named(folder, name):
    content = bytearray((folder / name).read_bytes())
    content[-3] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(InputError, match=rf"{name}: not the file whose checksum is in SHA256SUMS; .*dvc repro scales"):
        load_scales(folder, DESCRIPTION)


@pytest.mark.parametrize("name", [*FILES, "SHA256SUMS"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(InputError, match=rf"{name}: no such file; .*dvc repro scales"):
        load_scales(folder, DESCRIPTION)


@pytest.mark.parametrize("sums", [b"", b"\xff\xfe"])
def test_a_folder_without_checksums_is_refused(folder, sums):
    (folder / "SHA256SUMS").write_bytes(sums)
    with pytest.raises(InputError, match="SHA256SUMS"):
        load_scales(folder, DESCRIPTION)


def test_checksums_are_those_of_sha256sum(folder):
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=folder, check=True, capture_output=True)


def test_scales_of_another_model_are_refused(folder):
    for other in (
        replace(DESCRIPTION, model=replace(SMALL, latent=16)),
        replace(DESCRIPTION, data=Provenance(1, GENRES[:2], "abc")),
    ):
        with pytest.raises(InputError, match=r"scales\.safetensors: scales of another model"):
            load_scales(folder, other)


def test_scales_of_another_version_are_refused(folder):
    (folder / "scales.json").write_text('{"attributes": {}}')
    write_digests(folder, FILES)
    with pytest.raises(InputError, match="not scales of this version"):
        load_scales(folder, DESCRIPTION)
