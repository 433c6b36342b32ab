"""Petals beside the genres of songs."""

from dataclasses import replace

import pytest
import torch

from analysis.posterior.codes import read_codes
from analysis.posterior.petals import nearest_petal, own_share, petals_section
from model.networks.priors import FlowerPrior
from music.tokens import SILENT
from tests.helpers.models import make_context, make_windows, windows_of


def test_samples_of_a_petal_are_nearest_to_it():
    genre = torch.arange(8).repeat(50)
    z = FlowerPrior(4, 8).sample(genre, torch.Generator().manual_seed(0))
    assert (nearest_petal(z, 8) == genre).float().mean() > 0.99
    assert nearest_petal(torch.tensor([[1.0, -0.01, 0, 0], [-1.0, 0, 0, 0]]), 8).tolist() == [0, 4]


def test_a_guess_is_right_if_it_is_one_of_several_genres():
    tagged = torch.tensor([[True, True, False], [False, False, True]])
    assert own_share(torch.tensor([1, 1]), tagged) == 0.5
    assert own_share(torch.tensor([0, 2]), tagged) == 1


def section_of(windows, **changes):
    context, generator = make_context(windows, **changes), torch.Generator().manual_seed(0)
    return petals_section(context, windows, read_codes(context, windows, generator), generator)


def test_what_music_says_of_genres_is_known_to_the_classifier():
    """Genre 0 has notes and genre 1 has none; the third is on no song, and some songs have no tag."""
    windows = make_windows(60)
    tokens = torch.where((torch.arange(60) % 2 == 0)[:, None, None], windows.tokens, SILENT)
    genres = torch.zeros(60, 3, dtype=torch.bool)
    genres[::2, 0] = genres[1::2, 1] = True
    genres[50:] = False
    shares = section_of(replace(windows, tokens=tokens, genres=genres)).metrics["petals"]
    assert shares["likeliest genre of the classifier"] == 1
    assert shares["always the commonest genre"] == 0.5
    assert shares["a petal at random"] == pytest.approx(1 / 3)
    assert 0 <= shares["nearest petal"] <= 1


def test_tags_are_needed_where_there_are_petals():
    assert "no validation song has a tag" in section_of(windows_of(make_windows(8).tokens)).missing[0]
    section = section_of(make_windows(8), prior="gaussian")
    assert (section.missing, section.metrics, section.tables) == ([], {}, [])
