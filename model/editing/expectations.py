"""Attributes of the music as functions of a decoder's probabilities, whose gradients say how to change them.

Each takes the probabilities of the states, (windows, tracks, steps, 130), and the names of the tracks, and returns
(windows,). For probabilities of 0 and 1 it is the attribute of that name in `music.metrics`, wherever that is defined.
Steps and tracks count as independent of one another, as they are to a parallel decoder once the code is given.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import torch
from torch import Tensor

from music.metrics import DRUMS
from music.tokens import HOLD, PITCHES, STEPS_PER_BAR, TRACKS

FEWEST_NOTES = 1e-3
"""The least expected number of notes that a mean over notes is divided by."""


def expected_notes(probabilities: Tensor, tracks: Sequence[str]) -> Tensor:
    """Returns the expected number of notes."""
    return _onsets(probabilities).sum(dim=(1, 2))


def expected_drum_density(probabilities: Tensor, tracks: Sequence[str]) -> Tensor:
    """Returns the expected number of drum notes per bar."""
    drums = [place for place, track in enumerate(tracks) if track == TRACKS[DRUMS]]
    return _onsets(probabilities[:, drums]).sum(dim=(1, 2)) * STEPS_PER_BAR / probabilities.shape[2]


def expected_polyphony(probabilities: Tensor, tracks: Sequence[str]) -> Tensor:
    """Returns how many pitched tracks are expected to sound at a step, as a mean over the steps."""
    return _sounding(_pitched(probabilities, tracks)).sum(dim=(1, 2)) / probabilities.shape[2]


def expected_note_length(probabilities: Tensor, tracks: Sequence[str]) -> Tensor:
    """Returns the expected steps at which pitched tracks sound by the expected number of their notes.

    This ratio of expectations stands for the expected mean, which has no such simple form.
    """
    pitched = _pitched(probabilities, tracks)
    return _sounding(pitched).sum(dim=(1, 2)) / _onsets(pitched).sum(dim=(1, 2)).clamp(min=FEWEST_NOTES)


def expected_mean_pitch(probabilities: Tensor, tracks: Sequence[str]) -> Tensor:
    """Returns the expected sum of the pitched tracks' pitches by the expected number of their notes.

    This ratio of expectations stands for the expected mean, which has no such simple form.
    """
    by_pitch = _pitched(probabilities, tracks)[..., :PITCHES].sum(dim=(1, 2))
    pitches = torch.arange(PITCHES, dtype=by_pitch.dtype, device=by_pitch.device)
    return by_pitch @ pitches / by_pitch.sum(dim=1).clamp(min=FEWEST_NOTES)


EXPECTATIONS: Mapping[str, Callable[[Tensor, Sequence[str]], Tensor]] = MappingProxyType(
    {
        "notes": expected_notes,
        "note length": expected_note_length,
        "mean pitch": expected_mean_pitch,
        "polyphony": expected_polyphony,
        "drum density": expected_drum_density,
    }
)
"""The attributes that music can be edited by, by their names in `music.metrics.METRICS`."""


def _pitched(probabilities: Tensor, tracks: Sequence[str]) -> Tensor:
    return probabilities[:, [place for place, track in enumerate(tracks) if track != TRACKS[DRUMS]]]


def _onsets(probabilities: Tensor) -> Tensor:
    """Returns the probability that a note starts, (windows, tracks, steps)."""
    return probabilities[..., :PITCHES].sum(dim=-1)


def _sounding(probabilities: Tensor) -> Tensor:
    """Returns the probability that a note sounds, (windows, tracks, steps): it starts, or one is held that sounded.

    A hold after silence is silence, as in `music.tokens.to_notes`.
    """
    starts, holds = _onsets(probabilities), probabilities[..., HOLD]
    sounding = torch.zeros_like(starts[..., 0])
    steps = []
    for start, hold in zip(starts.unbind(dim=-1), holds.unbind(dim=-1), strict=True):
        sounding = start + hold * sounding
        steps.append(sounding)
    return torch.stack(steps, dim=-1)
