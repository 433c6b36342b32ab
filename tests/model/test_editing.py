import copy
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from model.editing.attempts import Attempts
from model.editing.difference import decode_difference
from model.editing.difference import log_probabilities as restricted
from model.editing.edit import edit
from model.editing.expectations import EXPECTATIONS
from model.editing.measured import measured_attributes
from model.editing.request import EditSettings, Request, Spread
from model.training.first_weights import untrained
from music.errors import InputError
from music.metrics import measure
from music.tokens import HOLD, PITCHES, SILENT, STATES, TRACKS
from tests.helpers.models import SMALL, make_windows

TAKES = {"attention": {}, "recurrent": {"network": "recurrent"},
         "flat": {"network": "flat", "prior": "gaussian", "regulariser": "kl"},
         "hierarchical": {"network": "hierarchical", "prior": "gaussian", "regulariser": "kl"}}  # fmt: skip
SPREAD = Spread(torch.full((SMALL.latent,), 20.0), dict.fromkeys(EXPECTATIONS, 1.0))


def log_probabilities(seed: int, *shape: int) -> torch.Tensor:
    return (3 * torch.randn(*shape, STATES, generator=torch.Generator().manual_seed(seed))).log_softmax(dim=-1)


def test_difference_decoding_is_the_formula_step_by_step():
    tokens = torch.randint(STATES, (2, 4, 16), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    before, after = log_probabilities(1, 2, 4, 16), log_probabilities(2, 2, 4, 16)
    decoded = decode_difference(tokens, before, after, faithfulness=1.5, plausibility=0.3)
    for place in np.ndindex(2, 4, 16):
        own, l0, l1 = int(tokens[place]), before[place].tolist(), after[place].tolist()
        likely = [state for state in range(STATES) if l1[state] >= max(l1) + math.log(0.3)]
        scores = {state: l1[state] - l0[state] + 1.5 * (state == own) for state in {own, *likely}}
        assert int(decoded[place]) == max(scores, key=lambda state: scores[state])
    assert 0 < (decoded != tokens).double().mean() < 1


def test_without_a_move_nothing_changes_however_wrong_the_decoder_is():
    tokens = torch.randint(STATES, (5, 4, 16), generator=torch.Generator().manual_seed(3), dtype=torch.uint8)
    wrong = log_probabilities(4, 5, 4, 16)
    assert (wrong.argmax(dim=-1) == tokens).double().mean() < 0.1
    assert torch.equal(decode_difference(tokens, wrong, wrong, faithfulness=1e-3), tokens)


@pytest.mark.parametrize("tracks", [TRACKS, ("bass", "drums"), ("guitar",)])
@pytest.mark.parametrize("bars", [1, 2])
def test_what_certain_probabilities_lead_one_to_expect_is_what_is_measured(tracks, bars):
    """Among the windows are notes that are held, holds after silence, and silence after notes."""
    generator = torch.Generator().manual_seed(0)
    kinds = torch.tensor([40, 61, HOLD, HOLD, HOLD, SILENT])
    tokens = kinds[torch.randint(len(kinds), (30, len(tracks), 16 * bars), generator=generator)].to(torch.uint8)
    certain = nn.functional.one_hot(tokens.long(), STATES).double()
    measured = measured_attributes(tokens, tracks, list(EXPECTATIONS))
    for name, expected in EXPECTATIONS.items():
        defined = ~np.isnan(measured[name])
        assert defined.any() or tracks == ("drums",)
        np.testing.assert_allclose(expected(certain, tracks).numpy()[defined], measured[name][defined], err_msg=name)


def test_expected_counts_and_polyphony_are_the_means_of_samples():
    probabilities = log_probabilities(5, 1, 4, 16).exp()
    probabilities[..., HOLD] += 1
    probabilities /= probabilities.sum(dim=-1, keepdim=True)
    drawn = torch.multinomial(
        probabilities.flatten(0, 2), 4000, replacement=True, generator=torch.Generator().manual_seed(0)
    )
    samples = measure(drawn.T.reshape(-1, 4, 16).to(torch.uint8).numpy())
    for name in ("notes", "drum density", "polyphony"):
        error = 4 * samples[name].std() / math.sqrt(4000)
        assert EXPECTATIONS[name](probabilities, TRACKS).item() == pytest.approx(samples[name].mean(), abs=error)


def test_some_attributes_of_some_tracks_are_measured_in_any_shape():
    tokens = torch.full((2, 3, 1, 16), SILENT, dtype=torch.uint8)
    tokens[1, 2, 0, :6] = torch.tensor([60, HOLD, 64, HOLD, HOLD, HOLD])
    assert measured_attributes(tokens, ["bass"], ["notes"])["notes"].tolist() == [[0, 0, 0], [0, 0, 2]]
    lengths = measured_attributes(tokens, ["bass"], ["note length"])["note length"]
    assert np.isnan(lengths).sum() == 5
    assert lengths[1, 2] == (2 + 4) / 2


class Drummer(nn.Module):
    """A code for each step: above 0 there is a drum note. It knows nothing else, and is wrong about the other tracks.

    Codes of later steps are farther from 0, so that notes change one after another as codes move.
    """

    config = SMALL
    margins = 0.5 + 0.25 * torch.arange(16)

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(4.0))

    @torch.no_grad()
    def codes(self, tokens: torch.Tensor) -> torch.Tensor:
        return ((tokens[:, 0] < PITCHES).float() * 2 - 1) * self.margins

    def decode(self, z: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        logits = torch.zeros(len(z), 4, 16, STATES)
        logits[:, 1:, :, 17] = 5.0
        note = nn.functional.one_hot(torch.tensor(36), STATES) - nn.functional.one_hot(torch.tensor(SILENT), STATES)
        rest = torch.full((STATES,), -30.0)
        rest[[36, SILENT]] = 0.0
        logits[:, 0] = rest + self.scale * z[..., None] * note
        return logits


def drums(*patterns: list[int]) -> torch.Tensor:
    """Windows of a bar with a drum note at each of the steps, and a bass note."""
    tokens = torch.full((len(patterns), 4, 16), SILENT, dtype=torch.uint8)
    tokens[:, 1, 0] = 40
    for window, steps in enumerate(patterns):
        tokens[window, 0, steps] = 36
    return tokens


STEPS = Spread(torch.ones(16), {"notes": 2.0, "drum density": 4.0, "polyphony": 1.0})
PATTERNS = [0, 4, 8, 12], [0, 2, 4, 6, 8, 10, 12, 14], [1, 5, 9, 10, 11]


@pytest.mark.parametrize(("change", "notes"), [(2.0, 4), (-1.0, -2), (1.5, 3)])
def test_edits_land_where_they_were_asked_to(change, notes):
    """Of the drummer every number of notes can be had, so windows arrive at the very change, and keep all else."""
    tokens = drums(*PATTERNS)
    edited = edit(Drummer(), tokens, Request({"notes": change}), STEPS)
    before, after = ((windows < PITCHES).sum(dim=(1, 2)) for windows in (tokens, edited.tokens))
    assert edited.arrived.all()
    assert (after - before).tolist() == [notes] * 3
    assert edited.got.tolist() == [[change] * 3]
    kept = ((edited.tokens == tokens) & (tokens < PITCHES)).sum(dim=(1, 2))
    assert torch.equal(kept, torch.minimum(before, after))
    assert torch.equal(edited.tokens[:, 1:], tokens[:, 1:])


def test_an_edit_that_cannot_arrive_comes_as_near_as_it_can():
    tokens = drums(PATTERNS[0], PATTERNS[1])
    edited = edit(Drummer(), tokens, Request({"notes": -3.0}), STEPS)  # six notes fewer, and one window has but four
    assert edited.arrived.tolist() == [False, True]
    assert (edited.tokens[:, 0] < PITCHES).sum(dim=1).tolist() == [0, 2]
    assert edited.got.tolist() == [[-2.0, -3.0]]


def test_the_nearest_attempt_counts_until_one_arrives():
    tokens = drums(PATTERNS[0])
    attempts = Attempts(Drummer(), tokens, Request({"notes": 2.0}), STEPS, EditSettings())  # four notes more
    for added, kept, is_open in ((1, 1, True), (3, 3, True), (2, 3, True), (4, 4, False)):
        codes = attempts.codes.clone()
        codes[:, [1, 2, 3, 5][:added]] = 9.0
        assert attempts.attempt(codes, attempts.log_probabilities(codes)).tolist() == [[added / 2]]
        assert (attempts.edited.tokens[:, 0] < PITCHES).sum().item() == 4 + kept
        assert attempts.edited.got.tolist() == [[kept / 2]]
        assert attempts.open.tolist() == [0] * is_open
        assert attempts.edited.arrived.tolist() == [not is_open]


def test_a_window_that_lacks_the_attribute_stays_as_it_is():
    tokens = drums(*PATTERNS)
    tokens[1, 1:] = SILENT
    spread = replace(STEPS, attributes={"mean pitch": 1.0})
    edited = edit(Drummer(), tokens, Request({"mean pitch": 1.0}), spread)
    assert torch.equal(edited.tokens[1], tokens[1])
    assert edited.got[0].isnan().tolist() == [False, True, False]
    assert not edited.arrived.any()


class Twins(Drummer):
    """The drummer with a bass player who plays the same."""

    def decode(self, z: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        logits = super().decode(z, tokens)
        return torch.stack([logits[:, 0], logits[:, 0], *logits[:, 2:].unbind(dim=1)], dim=1)


def test_what_the_mask_excludes_never_changes():
    tokens = drums(*PATTERNS)
    mask = torch.zeros(3, 4, 16, dtype=torch.bool)
    mask[0, :, 8:], mask[1, 0], mask[2, 1:] = True, True, True
    edited = edit(Drummer(), tokens, Request({"notes": 1.0}, mask=mask), STEPS)
    assert torch.equal(edited.tokens[~mask], tokens[~mask])
    assert edited.arrived.tolist() == [True, True, False]  # the drummer can change nothing but drums
    tokens[:, 1] = tokens[:, 0]
    only_drums = torch.tensor([True, False, False, False])[:, None]
    for chosen, notes in ((None, [[2, 2]] * 3), (only_drums, [[4, 0]] * 3)):
        twins = edit(Twins(), tokens, Request({"notes": 2.0}, mask=chosen), STEPS)
        assert ((twins.tokens < PITCHES).sum(dim=2) - (tokens < PITCHES).sum(dim=2))[:, :2].tolist() == notes
    one_track = torch.tensor([False, True, True, True])[:, None]
    assert torch.equal(edit(Drummer(), tokens, Request({"notes": 1.0}, mask=one_track), STEPS).tokens, tokens)


def test_only_allowed_states_come_and_own_ones_stay():
    tokens = drums(*PATTERNS)
    tokens[1, 0, 4] = 40  # what is not allowed may stay where it is
    allowed = torch.zeros(3, 1, 1, STATES, dtype=torch.bool)
    allowed[..., [HOLD, SILENT]] = True
    edited = edit(Drummer(), tokens, Request({"notes": 1.0}, allowed=allowed), STEPS)
    assert torch.equal(edited.tokens, tokens)
    allowed[0, ..., 36] = True
    edited = edit(Drummer(), tokens, Request({"notes": 1.0}, allowed=allowed), STEPS)
    assert edited.arrived.tolist() == [True, False, False]
    assert torch.equal(edited.tokens[1:], tokens[1:])
    with_fewer = edit(Drummer(), tokens[:1], Request({"notes": -1.0}, allowed=allowed[1:2]), STEPS)
    assert (with_fewer.tokens < PITCHES).sum() == (tokens[0] < PITCHES).sum() - 2


def test_states_that_are_not_allowed_have_no_probability():
    logits = log_probabilities(6, 2, 3)
    tokens = torch.tensor([[0, 1, 2], [3, 4, 5]], dtype=torch.uint8)
    allowed = torch.zeros(STATES, dtype=torch.bool)
    allowed[[7, 9]] = True
    probabilities = restricted(logits, tokens, allowed).exp()
    for place in np.ndindex(2, 3):
        states = [7, 9, int(tokens[place])]
        expected = torch.zeros(STATES)
        expected[states] = logits[place].exp()[states] / logits[place].exp()[states].sum()
        assert torch.allclose(probabilities[place], expected, atol=1e-6)


class Pair(Drummer):
    """A model of drums and bass, both in the first half of the bar: eight codes for each."""

    config = replace(SMALL, tracks=TRACKS[:2])

    def codes(self, tokens: torch.Tensor) -> torch.Tensor:
        notes = (tokens[..., :8] < PITCHES).flatten(1)
        return (notes.float() * 2 - 1) * self.margins[:8].repeat(2)

    def decode(self, z: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        silent = torch.full((len(z), 8), -9.0)
        halves = [torch.cat([half, silent], dim=1) for half in z.chunk(2, dim=1)]
        return torch.stack([super(Pair, self).decode(half, tokens)[:, 0] for half in halves], dim=1)


def count_pair(request: Request, unit: float) -> list[int]:
    """Asks for an edit of a window with two drum notes and two bass notes, and counts those of both tracks after it."""
    tokens = torch.full((1, 2, 16), SILENT, dtype=torch.uint8)
    tokens[:, 0, [0, 4]], tokens[:, 1, [1, 2]] = 36, 36
    edited = edit(Pair(), tokens, request, replace(STEPS, attributes={"notes": unit, "drum density": unit}))
    assert edited.arrived.all()
    counts: list[int] = (edited.tokens[0] < PITCHES).sum(dim=1).tolist()
    return counts


def test_attributes_that_are_held_stay_where_they_are():
    assert count_pair(Request({"notes": 0.5}), unit=4) == [4, 2]
    assert count_pair(Request({"notes": 0.5}, held=("drum density",)), unit=4) == [2, 4]


def test_several_attributes_change_at_once():
    assert count_pair(Request({"notes": 2.0, "drum density": -1.0}), unit=1) == [1, 5]


@pytest.mark.parametrize("kind", TAKES)
def test_every_network_is_edited_the_same_way_twice_and_keeps_its_weights(kind):
    torch.manual_seed(0)
    model = untrained(replace(SMALL, **TAKES[kind])).eval()
    with torch.no_grad():
        for parameter in model.decoder.parameters():
            parameter *= 2  # an untrained decoder hardly depends on the code
    weights = copy.deepcopy(model.state_dict())
    tokens = make_windows(6).tokens
    request, settings = Request({"mean pitch": 1.0}, held=("notes",)), EditSettings(attempts=20)
    first, second = (edit(model, tokens, request, SPREAD, settings) for _ in range(2))
    assert torch.equal(first.tokens, second.tokens)
    assert (first.tokens != tokens).any()
    assert not torch.equal(first.codes, model.codes(tokens))
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not model.training
    assert all(torch.equal(value, weights[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize("kind", TAKES)
def test_the_codes_of_a_window_decode_to_the_window_itself(kind):
    """Autoregressive decoders are fed the window in both passes."""
    torch.manual_seed(0)
    model = untrained(replace(SMALL, **TAKES[kind])).eval()
    tokens = make_windows(3).tokens
    attempts = Attempts(model, tokens, Request({"notes": 1.0}), SPREAD, EditSettings())
    got = attempts.attempt(attempts.codes, attempts.log_probabilities(attempts.codes))
    torch.testing.assert_close(attempts.before, model.decode(attempts.codes, tokens).log_softmax(dim=-1))
    assert got.tolist() == [[0.0] * 3]
    assert torch.equal(attempts.edited.tokens, tokens)


def test_windows_are_edited_each_on_its_own():
    tokens = drums(*PATTERNS)
    together = edit(Drummer(), tokens, Request({"notes": 1.0}), STEPS)
    for window in range(3):
        alone = edit(Drummer(), tokens[[window]], Request({"notes": 1.0}), STEPS)
        assert torch.equal(alone.tokens[0], together.tokens[window])


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (Request({"swing": 1.0}), "no edit changes swing; give one of notes, note length"),
        (Request({"notes": 1.0}, held=("swing",)), "no edit changes swing"),
        (Request({"mean pitch": 1.0}), "mean pitch is the same in all windows"),
        (Request({"notes": 0.0}), "notes: a change of 0"),
    ],
)
def test_requests_that_make_no_sense_are_named(request_, message):
    with pytest.raises(InputError, match=message):
        edit(Drummer(), drums(*PATTERNS), request_, STEPS)
