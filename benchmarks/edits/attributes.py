"""Edits by attributes: the closed loop of `composer`, beside simpler ways to move the same windows."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from analysis.editability.attribute_edits import edit_along
from benchmarks.edits.songs import TaggedSong, interval
from composer.attributes import ATTEMPTS, TOLERANCE
from composer.edit import Edited, EditRequest, edit
from composer.editor import Editor
from composer.part import Part
from composer.reply import note_f1
from model.editing.attempts import Attempts
from model.editing.edit import edit as edit_windows
from model.editing.measured import measured_attributes
from model.editing.request import EditSettings, Request
from music.editing.midi_file import NoteTable
from music.editing.song import open_song
from music.errors import InputError
from music.tokens import TRACKS, Tokens

OTHER_WAYS = ("slope", "plain", "swap")
"""A move along the slope of codes on the attribute, with difference decoding; the edit's moved codes decoded as they
are; and only the states in which that decoding differs from the decoding of the windows' own codes."""
COLUMNS = ["attribute", "asked", "songs", "got of asked", "arrived", "right sign", "note F1", "drift of the others, sd",
           "untouched notes identical",
           *(f"{way}: {measure}" for way in OTHER_WAYS for measure in ("got of asked", "note F1"))]  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """What became of one song; shares of what was asked for, and others."""

    got: float
    arrived: float
    sign: float
    f1: float
    drift: float
    untouched: float
    others: Mapping[str, tuple[float, float]]
    """By way, got of asked and F1."""


def attribute_rows(editor: Editor, songs: Sequence[TaggedSong], changes: Sequence[float]) -> Iterator[list[str]]:
    """Yields a row for each attribute and change."""
    for name in editor.scales.slopes:
        for change in changes:
            outcomes = [_outcome(editor, song, name, change) for song in songs]
            measures = (("got", 2), ("arrived", 2), ("sign", 2), ("f1", 3), ("drift", 2), ("untouched", 4))
            cells = [interval(np.array([getattr(one, key) for one in outcomes]), places) for key, places in measures]
            for way in OTHER_WAYS:
                got, f1 = np.array([one.others[way] for one in outcomes]).T
                cells += [interval(got), interval(f1, 3)]
            yield [name, f"{change:+g}", str(len(songs)), *cells]


def _outcome(editor: Editor, tagged: TaggedSong, name: str, change: float) -> Outcome:
    edited = edit(editor, tagged.song, EditRequest({name: change}, selection=tagged.selection))
    part, got = edited.part, edited.reply.attributes[0].got / change
    changed = _changes(editor, part.windows, part.windows_after(edited.edit))
    others = {
        way: (_changes(editor, part.windows, windows)[name] / change, note_f1(part.windows, windows))
        for way, windows in _other_ways(editor, part, name, change).items()
    }
    return Outcome(
        got,
        float(abs(got - 1) <= TOLERANCE),
        float(got > 0),
        edited.reply.change.note_f1,
        float(np.nanmean([abs(value) for other, value in changed.items() if other != name])),
        _untouched(edited, tagged),
        others,
    )


def _changes(editor: Editor, before: Tokens, after: Tokens) -> dict[str, float]:
    """Returns the mean change over windows of each attribute, in standard deviations; NaN where it is undefined."""
    units = editor.scales.spread.attributes
    names = list(editor.scales.slopes)
    old, new = (measured_attributes(torch.from_numpy(windows), TRACKS, names) for windows in (before, after))
    moves = {name: (new[name] - old[name]) / units[name] for name in names}
    return {name: float(np.nanmean(move)) if not np.isnan(move).all() else float("nan") for name, move in moves.items()}


def _untouched(edited: Edited, tagged: TaggedSong) -> float:
    """Returns the share of the notes not named as changed that the file has as they were."""
    before = _notes(tagged.song.file.notes)
    for change in edited.edit.changes:
        if change.before is not None:
            one = change.before
            before[one.track, one.channel, one.pitch, one.velocity, one.start, one.end] -= 1
    try:
        after = _notes(open_song(edited.data, "edited.mid").file.notes)
    except InputError:  # there are no notes left in it
        after = Counter()
    return sum((+before & after).values()) / max(sum((+before).values()), 1)


def _notes(notes: NoteTable) -> Counter[tuple[int, ...]]:
    columns = notes.track, notes.channel, notes.pitch, notes.velocity, notes.start, notes.end
    return Counter(map(tuple, np.stack(columns, axis=1).tolist()))


def _other_ways(editor: Editor, part: Part, name: str, change: float) -> dict[str, Tokens]:
    """Returns what the file has in place of the windows after each of `OTHER_WAYS`, in one round."""
    tokens, mask, allowed = (torch.from_numpy(array) for array in (part.windows, part.mask, part.allowed))
    request, settings = Request({name: change}, (), mask, allowed), EditSettings(attempts=ATTEMPTS)
    spread = editor.scales.spread
    codes = edit_windows(editor.model, tokens, request, spread, settings).codes
    own, plain = editor.decode(editor.encode(part.windows)), editor.decode(codes)
    along = edit_along(Attempts(editor.model, tokens, request, spread, settings), _along(editor, name))
    swapped = np.where(plain != own, plain, part.windows)
    whole = {"slope": along.tokens.numpy(), "plain": plain, "swap": swapped}
    written = {way: part.write(np.where(part.mask, windows, part.windows)) for way, windows in whole.items()}
    return {way: part.windows_after(edit) for way, edit in written.items()}


def _along(editor: Editor, name: str) -> Tensor:
    """Returns the step of about one standard deviation of the codes along their slope on an attribute, (latent,)."""
    unit = editor.scales.slopes[name] / editor.scales.slopes[name].norm()
    step: Tensor = unit * (unit * editor.scales.codes).norm()
    return step
