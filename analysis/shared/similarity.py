"""How much of a window is in another."""

from torch import Tensor

from music.tokens import PITCHES


def same_states(tokens: Tensor, reference: Tensor) -> Tensor:
    """Share of steps, in all tracks, that have the reference's state; (..., tracks, steps) each -> (...)."""
    return (tokens == reference).flatten(-2).double().mean(dim=-1)


def shared_notes(tokens: Tensor, reference: Tensor) -> Tensor:
    """How many notes are the reference's, by track, pitch and first step; (..., tracks, steps) each -> (...)."""
    return ((tokens == reference) & (tokens < PITCHES)).flatten(-2).sum(dim=-1)


def note_f1(tokens: Tensor, reference: Tensor) -> Tensor:
    """F1 of the notes, by track, pitch and first step; (..., tracks, steps) each -> (...), NaN if neither has any."""
    notes = (tokens < PITCHES).flatten(-2).sum(dim=-1) + (reference < PITCHES).flatten(-2).sum(dim=-1)
    return 2 * shared_notes(tokens, reference).double() / notes
