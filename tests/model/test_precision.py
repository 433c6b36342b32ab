from dataclasses import replace

import pytest
import torch
from torch import nn

from model.training.first_weights import untrained
from model.training.precision import check_precision
from model.training.step import Optimisers
from model.training.updates import Updates
from music.errors import InputError
from tests.helpers.models import BRIEF, SMALL, make_windows, seen_by
from tests.model.test_training import KINDS, SAMPLED, assert_goes_on, trained

CPU = torch.device("cpu")
MIXED = replace(SAMPLED, precision="bfloat16")


def cannot() -> str:
    try:
        check_precision("bfloat16", CPU)
    except InputError as error:
        return str(error)
    return ""


needs_bfloat16 = pytest.mark.skipif(bool(cannot()), reason=cannot())


@pytest.fixture
def windows():
    return make_windows(64)  # of fewer, roundings are a larger share of the gradients


def gradients(windows, model, precision):
    """The gradients of the losses of one update, each a vector."""
    torch.manual_seed(0)
    autoencoder, seen = untrained(model), seen_by(windows, model)
    config = replace(BRIEF, precision=precision, batch=len(seen))
    Updates(autoencoder, seen, config, Optimisers.for_model(autoencoder, config)).make(6, config)
    return {name: weight.grad.flatten() for name, weight in autoencoder.named_parameters() if weight.grad is not None}


@needs_bfloat16
@pytest.mark.parametrize("kind", KINDS)
def test_mixed_gradients_are_near_those_of_single_precision(windows, kind):
    mixed, single = (gradients(windows, KINDS[kind], precision) for precision in ("bfloat16", "float32"))
    assert mixed.keys() == single.keys()
    share = 0.12 if KINDS[kind].network == "attention" else 0.05  # norms of layers leave differences of rounded numbers
    for name, gradient in mixed.items():
        error = (gradient - single[name]).norm()
        assert error <= share * single[name].norm(), name  # bfloat16 has 8 bits: 0.4% a rounding
    assert any(not torch.equal(mixed[name], single[name]) for name in mixed)


@needs_bfloat16
@pytest.mark.parametrize("kind", KINDS)
def test_a_stopped_mixed_run_goes_on_as_if_it_had_not_been(windows, tmp_path, monkeypatch, kind):
    assert_goes_on(tmp_path, monkeypatch, windows, MIXED, KINDS[kind])


@needs_bfloat16
def test_mixed_training_learns_a_few_windows_by_heart(windows, tmp_path):
    few = windows.take(torch.arange(4))
    config = replace(MIXED, updates=150, beta_every=1000, learning_rate=0.02, decay=0.0)
    assert trained(tmp_path, few, config, SMALL)[1]["validation_accuracy"] > 0.5  # chance is below 0.01


def without_it(*_):
    raise RuntimeError("could not create a primitive descriptor")


def in_float16(_, x, state):
    return x.half().requires_grad_(), None


@pytest.mark.parametrize("forward", [without_it, in_float16])
def test_a_device_without_bfloat16_is_named(monkeypatch, forward):
    monkeypatch.setattr(nn.LSTM, "forward", forward)
    with pytest.raises(InputError, match=r"precision bfloat16: no LSTM on this cpu has it .* take float32"):
        check_precision("bfloat16", CPU)
    check_precision("float32", CPU)
