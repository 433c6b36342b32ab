from dataclasses import replace

import pytest
import torch

from model.compact import expand, finest_step, fits, pack
from model.refining import COARSE, compacted
from model.training.loop import validate
from model.training.updates import Updates
from model.training.workers import ALONE
from tests.helpers.models import BRIEF, SMALL, make_windows
from tests.model.test_training import trained

CONFIG = replace(BRIEF, updates=300, learning_rate=0.02, decay=0.01, beta_every=1000)
LONGER = replace(CONFIG, updates=20 * 150, evaluate_every=50)
"""A twentieth of it is 150 updates."""


@pytest.fixture
def learnt(tmp_path):
    """A model that knows its windows by heart, as a run leaves it, and these."""
    windows = make_windows().take(torch.arange(4))
    return trained(tmp_path, windows, CONFIG, replace(SMALL, hidden_size=32))[0].eval(), windows


def two_bits(model):
    """A weight, and room for the entries."""
    weights = model.state_dict().values()
    return sum(weight.numel() for weight in weights) // 4 + 160 * 4 * len(weights)


def test_a_copy_in_few_bits_loses_less_of_a_model_that_was_fitted_to_it(learnt, monkeypatch):
    model, windows = learnt
    room, genuine, modes = two_bits(model), Updates.make, []
    weights = {name: weight.clone() for name, weight in model.state_dict().items()}
    step = finest_step(weights, room)
    assert step > COARSE
    known = validate(model, windows, 4)
    model.load_state_dict(expand(pack(weights, step)))
    rounded = validate(model, windows, 4)
    model.load_state_dict(weights)
    monkeypatch.setattr(Updates, "make", lambda *of: modes.append(model.training) or genuine(*of))
    packed, metrics = compacted(model, windows, windows, LONGER, room, ALONE)
    assert modes == [True] * 150
    assert fits(packed, room)
    model.load_state_dict(expand(packed))
    assert metrics == validate(model, windows, 4)
    assert known["validation_loss"] < metrics["validation_loss"] < 0.5 * rounded["validation_loss"]
    assert metrics["validation_accuracy"] > rounded["validation_accuracy"] + 0.1


def test_a_copy_that_gains_nothing_is_merely_rounded(learnt):
    model, windows = learnt
    room = two_bits(model)
    weights = {name: weight.clone() for name, weight in model.state_dict().items()}
    packed, _ = compacted(model, windows, windows, replace(LONGER, learning_rate=1e30), room, ALONE)
    plain = pack(weights, finest_step(weights, room))
    assert all(torch.equal(packed[name], plain[name]) for name in plain)


def test_a_copy_in_fine_steps_needs_no_fitting(learnt, monkeypatch):
    model, windows = learnt
    monkeypatch.setattr(Updates, "make", None)
    accuracy = validate(model, windows, 4)["validation_accuracy"]
    _, metrics = compacted(model, windows, windows, CONFIG, 10**9, ALONE)
    assert metrics["validation_accuracy"] == pytest.approx(accuracy, abs=0.01)
