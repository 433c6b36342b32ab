"""The attention network: what it sees and what it does not; tests/model/test_reference_model.py has its numbers."""

from dataclasses import replace

import pytest
import torch

from model.training.first_weights import untrained
from music.tokens import STATES
from tests.helpers.models import SMALL, make_windows, seen_by

TWO_BARS = replace(SMALL, bars=2)
KINDS = {
    "beats": TWO_BARS,
    "bars": replace(TWO_BARS, place_steps=16),
    "drums alone": replace(TWO_BARS, tracks=("drums",)),
    "bass and strings": replace(TWO_BARS, tracks=("bass", "strings"), prior="gaussian"),
}

every_kind = pytest.mark.parametrize("config", KINDS.values(), ids=KINDS)


def model_and_tokens(config):
    torch.manual_seed(0)
    model = untrained(config).eval().double()
    with torch.no_grad():
        for parameter in model.parameters():  # some are 0 before training
            parameter += 0.1 * torch.randn_like(parameter)
    return model, seen_by(make_windows(count=3, bars=config.bars), config).tokens


@every_kind
def test_every_state_of_a_window_matters_to_its_code_and_to_no_other(config):
    model, tokens = model_and_tokens(config)
    codes = model.codes(tokens)
    for track in range(len(config.tracks)):
        for step in range(32):
            other = tokens.clone()
            other[1, track, step] = (other[1, track, step] + 1) % STATES
            changed = (model.codes(other) - codes).abs().amax(dim=1) > 1e-6
            assert changed.tolist() == [False, True, False]


@every_kind
def test_the_order_of_the_places_matters(config):
    model, tokens = model_and_tokens(config)
    turned = tokens.roll(16, dims=-1)  # the second bar before the first
    assert ((model.codes(turned) - model.codes(tokens)).abs().amax(dim=1) > 1e-3).all()


@every_kind
def test_every_number_of_a_code_matters_at_every_step_of_its_window_alone(config):
    model, tokens = model_and_tokens(config)
    z = model.codes(tokens)
    logits = model.decode(z, tokens)
    assert logits.shape == (3, len(config.tracks), 32, STATES)
    for dimension in range(config.latent):
        moved = z.clone()
        moved[1, dimension] += 0.1
        change = (model.decode(moved, tokens) - logits).abs().amax(dim=-1)  # (batch, tracks, steps)
        assert (change[1] > 1e-6).all()
        assert change[[0, 2]].max() < 1e-12


@every_kind
def test_each_place_has_its_share_of_the_code(config):
    model = untrained(config).eval()  # attention adds nothing before training, so only a place's own path is left
    tokens = seen_by(make_windows(count=1, bars=config.bars), config).tokens
    z = model.codes(tokens)
    share = config.latent // config.places
    for place in range(config.places):
        steps = slice(place * config.place_steps, (place + 1) * config.place_steps)
        other = tokens.clone()
        other[..., steps] = (other[..., steps] + 1) % STATES
        changed = (model.codes(other) != z)[0].nonzero().flatten()
        assert changed.tolist() == list(range(place * share, (place + 1) * share))
        moved = z.clone()
        moved[:, place * share : (place + 1) * share] += 0.1
        differs = (model.decode(moved, tokens) != model.decode(z, tokens)).any(dim=-1)[0]  # (tracks, steps)
        assert differs[:, steps].all()
        assert differs.sum() == differs[:, steps].numel()


@every_kind
def test_the_decoder_sees_nothing_but_the_code(config):
    model, tokens = model_and_tokens(config)
    z = model.codes(tokens)
    assert torch.equal(model.decode(z, tokens), model.decode(z, torch.zeros_like(tokens)))
    assert torch.equal(model.tokens(z), model.decode(z, tokens).argmax(dim=-1).to(torch.uint8))


@pytest.mark.parametrize(("changes", "message"), [
    ({"hidden_size": 100}, "hidden_size of attention must be a multiple of 64, not 100"),
    ({"place_steps": 3}, "place_steps must divide the 16 steps of a bar, not be 3"),
    ({"latent": 10}, "latent must divide evenly between 4 places, and is 10"),
])  # fmt: skip
def test_sizes_that_do_not_divide_evenly_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        replace(SMALL, **changes)
    assert replace(SMALL, network="recurrent", hidden_size=100).hidden_size == 100
