"""The models that come with the project."""

import re
from pathlib import Path

import pytest
import yaml

from model.checkpoint import load
from model.scales import FILES, load_scales

MODELS = Path(__file__).parents[2] / "composer" / "models"
LARGEST = 16_000_000
"""Bytes of all files of one model: every clone has them."""


@pytest.mark.parametrize(("name", "bars"), [("2bar", 2), ("16bar", 16)])
def test_a_shipped_model_is_whole_and_small(name, bars):
    folder = MODELS / name
    model, description = load(folder)
    scales = load_scales(folder, description)  # compares the checksums
    assert model.config.bars == bars
    assert len(scales.spread.attributes) > 5
    assert scales.genre_scores is not None
    assert sum(path.stat().st_size for path in folder.iterdir()) < LARGEST
    assert not re.search(r'"[^"]*/[^"]*"', (folder / "model.json").read_text()), "a path in model.json"


@pytest.mark.parametrize("name", ["2bar", "16bar"])
def test_the_card_of_a_shipped_model_is_about_it(name):
    card = (MODELS / name / "README.md").read_text()
    fields = yaml.safe_load(card.split("---\n")[1])
    assert fields["license"] == "apache-2.0"
    assert fields["model-index"][0]["name"] == f"musae-{name}"
    sums = dict(reversed(line.split("  ")) for line in (MODELS / name / "SHA256SUMS").read_text().splitlines())
    assert set(sums) == set(FILES)
    assert all(digest in card for digest in sums.values())
    assert (MODELS / "data.md").read_text().strip() in card
