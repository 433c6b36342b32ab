"""How similar windows are to others: in their states, and in their notes."""

from torch import Tensor

from music.tokens import PITCHES


def same_states(tokens: Tensor, reference: Tensor) -> Tensor:
    """Returns the share of track-steps that have the reference's state; (..., tracks, steps) each -> (...)."""
    return (tokens == reference).flatten(-2).double().mean(dim=-1)


def shared_notes(tokens: Tensor, reference: Tensor) -> Tensor:
    """Counts the notes that the reference has with the same track, pitch and first step.

    (..., tracks, steps) each -> (...).
    """
    return ((tokens == reference) & (tokens < PITCHES)).flatten(-2).sum(dim=-1)


def note_f1(tokens: Tensor, reference: Tensor) -> Tensor:
    """Returns the F1 of the notes by track, pitch and first step, NaN if neither has any.

    (..., tracks, steps) each -> (...).
    """
    notes = (tokens < PITCHES).flatten(-2).sum(dim=-1) + (reference < PITCHES).flatten(-2).sum(dim=-1)
    return 2 * shared_notes(tokens, reference).double() / notes
