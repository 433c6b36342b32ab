from dataclasses import replace

import pytest
import torch

from model.autoencoder import Autoencoder
from model.compact import expand, finest_step, pack
from model.refining import COARSE, ROOM, fit_to_size
from model.training import validate
from model.workers import ALONE
from tests.models import BRIEF, SMALL, make_windows
from tests.test_training import trained

CONFIG = replace(BRIEF, updates=300, learning_rate=0.02, decay=0.01, beta_every=1000)


def accuracy(model, windows):
    return validate(model, windows, 4)["validation_accuracy"]


@pytest.fixture
def learnt(tmp_path):
    """A model that knows its windows by heart, and these."""
    windows = make_windows().take(torch.arange(4))
    return trained(tmp_path, windows, CONFIG, replace(SMALL, units=32))[0], windows


def copy_of(model, step):
    copy = Autoencoder(model.config)
    copy.load_state_dict(expand(pack(model.state_dict(), step)))
    return copy


def test_a_copy_in_few_bits_loses_less_of_a_model_that_was_fitted_to_it(learnt):
    model, windows = learnt
    weights = model.state_dict()
    room = sum(weight.numel() for weight in weights.values()) // 4 + 160 * 5 * len(weights)  # 2 bits a weight
    finest = finest_step(weights, room)
    rounded, known = accuracy(copy_of(model, finest), windows), accuracy(model, windows)
    longer = replace(CONFIG, updates=20 * 150, evaluate_every=50)  # a twentieth of it is 150 updates
    step = fit_to_size(model, windows, longer, room, ALONE)
    assert step == ROOM * finest > COARSE
    refined = accuracy(copy_of(model, step), windows)
    assert rounded < refined - 0.1 < known
    # The exact weights are those that the copy's come from.
    assert not torch.equal(model.encoder.mean.weight, copy_of(model, step).encoder.mean.weight)


def test_a_model_that_fits_as_it_is_stays_as_it_is(learnt):
    model, windows = learnt
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    assert fit_to_size(model, windows, CONFIG, 10**9, ALONE) < COARSE
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())
