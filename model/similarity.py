"""Measures of how much two windows have in common."""

from torch import Tensor

from music.tokens import PITCHES


def same_states(tokens: Tensor, reference: Tensor) -> Tensor:
    """Returns the share of all tracks' steps that have the reference's state; (..., tracks, steps) each -> (...)."""
    return (tokens == reference).flatten(-2).double().mean(dim=-1)


def note_counts(tokens: Tensor, reference: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Counts the notes that both have, those of the tokens and those of the reference; (..., steps) each -> (...).

    Two notes are the same if they agree in pitch and first step.
    """
    is_note = reference < PITCHES
    return ((tokens == reference) & is_note).sum(dim=-1), (tokens < PITCHES).sum(dim=-1), is_note.sum(dim=-1)


def shared_notes(tokens: Tensor, reference: Tensor) -> Tensor:
    """Counts the notes of all tracks that both have; (..., tracks, steps) each -> (...)."""
    return note_counts(tokens.flatten(-2), reference.flatten(-2))[0]


def note_f1(tokens: Tensor, reference: Tensor) -> Tensor:
    """Returns the F1 of the notes of all tracks; (..., tracks, steps) each -> (...), NaN if neither has any notes."""
    shared, played, true = note_counts(tokens.flatten(-2), reference.flatten(-2))
    return 2 * shared.double() / (played + true)
