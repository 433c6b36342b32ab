"""How much of a window is in another."""

from torch import Tensor

from music.tokens import PITCHES


def same_states(tokens: Tensor, reference: Tensor) -> Tensor:
    """Share of steps, in all tracks, that have the reference's state; (..., tracks, steps) each -> (...)."""
    return (tokens == reference).flatten(-2).double().mean(dim=-1)


def note_f1(tokens: Tensor, reference: Tensor) -> Tensor:
    """F1 of the notes, by track, pitch and first step; (..., tracks, steps) each -> (...), NaN if neither has any."""
    notes = (tokens < PITCHES).flatten(-2).sum(dim=-1) + (reference < PITCHES).flatten(-2).sum(dim=-1)
    shared = ((tokens == reference) & (tokens < PITCHES)).flatten(-2).sum(dim=-1)
    return 2 * shared.double() / notes


def best_kept(reconstructions: Tensor, windows: Tensor) -> int:
    """Which window's reconstruction has most of its notes; (windows, tracks, steps) each."""
    return int(note_f1(reconstructions, windows).nan_to_num().argmax())
