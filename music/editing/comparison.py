"""From the states of a line and edited states to changes of its notes, in steps."""

from dataclasses import dataclass, field

import numpy as np

from music.arrays import BoolArray
from music.editing.line import Line, onsets, without_stray_holds
from music.tokens import HOLD, PITCHES, Tokens


@dataclass
class LineChanges:
    """What becomes of a line's notes. What is not named here stays as it is."""

    pitch: dict[int, int] = field(default_factory=dict)
    """New pitches of notes, by their index in the line."""
    end: dict[int, int] = field(default_factory=dict)
    """New ends of notes, in steps, by their index in the line."""
    removed: set[int] = field(default_factory=set)
    """The notes that go."""
    added: list[tuple[int, int, int]] = field(default_factory=list)
    """New notes: start, end (exclusive) and pitch."""


def compare(line: Line, edited: Tokens, chosen: range, fixed: BoolArray) -> LineChanges:
    """Returns the changes of notes that make the line's states the edited ones, as far as the rules permit.

    A state that stays leaves its notes alone. A new pitch moves the note and its chord by the same interval. An onset
    that goes takes its note and chord with it; a new one is a new note. Notes end where the edited states say so, and
    with them the mates that ended together. Upper voices, which are in no chord with an onset that changes, stay.

    edited: (steps,) of which only the `chosen` steps count; fixed: (notes,) the notes that must stay, whatever the
    states say.
    """
    after = line.states.copy()
    after[chosen.start : chosen.stop] = edited[chosen.start : chosen.stop]
    after = _with_fixed_notes(line, without_stray_holds(after, line.is_drum), chosen, fixed)
    return _Comparison(line, without_stray_holds(after, line.is_drum), fixed).compare(chosen)


def _with_fixed_notes(line: Line, after: Tokens, chosen: range, fixed: BoolArray) -> Tokens:
    """Returns the edited states with the original ones where fixed notes give them."""
    after = after.copy()
    for step, (end, _) in onsets(line.states, line.is_drum).items():
        if step < chosen.stop and end > chosen.start and fixed[line.sources(step)].any():
            stays = slice(max(step, chosen.start), min(end, chosen.stop))
            after[stays] = line.states[stays]
    return after


class _Comparison:
    """The changes so far, while the onsets of a line are compared one after another."""

    def __init__(self, line: Line, after: Tokens, fixed: BoolArray) -> None:
        self._line, self._after, self._fixed = line, after, fixed
        self._before = onsets(line.states, line.is_drum)
        self._edited = onsets(after, line.is_drum)
        self._changes = LineChanges()

    def compare(self, chosen: range) -> LineChanges:
        """Compares all onsets whose notes sound in the chosen steps, or until the first of them."""
        for step, (end, _) in self._before.items():
            if step < chosen.stop and end >= chosen.start:
                self._compare_onset(step)
        for step, (end, pitch) in self._edited.items():
            if step in chosen and step not in self._before:
                self._changes.added.append((step, end, pitch))
        return self._changes

    def _compare_onset(self, step: int) -> None:
        """Compares an onset of the line with what the edited states have at its step."""
        chord = [note for note in self._line.chord(step) if not self._fixed[note]]
        if not chord:
            return
        if self._line.start[chord[0]] < step:
            self._compare_surfacing(step, chord)
        elif step not in self._edited:
            self._changes.removed.update(chord)
        else:
            self._move(step, chord)
            self._end(step, chord)

    def _compare_surfacing(self, step: int, chord: list[int]) -> None:
        """Compares an onset of notes that started earlier, under others which end at this step."""
        note = self._line.sources(step)[0]
        sounds = note not in self._changes.removed and self._changes.end.get(note, self._line.end[note]) > step
        pitch = int(self._line.pitch[note])
        if step not in self._edited:
            if sounds and not self._covered(step, pitch):
                self._cut(chord, step)
            return
        end, new_pitch = self._edited[step]
        if sounds and new_pitch in (pitch, self._pitch(note)):
            self._end(step, chord)
            return
        if sounds:
            self._cut(chord, step)
        self._changes.added.append((step, end, new_pitch))

    def _covered(self, step: int, pitch: int) -> bool:
        """Returns whether the edited states hold this pitch or a lower one at a step, so that it may sound on."""
        begun = int(np.flatnonzero(self._after[: step + 1] != HOLD)[-1])
        return bool(self._after[begun] <= pitch)

    def _move(self, step: int, chord: list[int]) -> None:
        """Moves a chord to the edited pitch; a note that would leave the range of MIDI goes."""
        interval = self._edited[step][1] - self._before[step][1]
        if not interval:
            return
        for note in chord:
            pitch = int(self._line.pitch[note]) + interval
            if 0 <= pitch < PITCHES:
                self._changes.pitch[note] = pitch
            else:
                self._changes.removed.add(note)

    def _end(self, step: int, chord: list[int]) -> None:
        """Ends a chord where the edited states end its lowest note.

        A note that sounds on under a lower one ends, too, if another state is wanted there. (Silence is a higher number
        than any pitch.)
        """
        if self._line.is_drum:
            return
        end, pitch = self._edited[step]
        old_end, old_pitch = self._before[step]
        note_end = max(int(self._line.end[note]) for note in self._line.sources(step))
        if end > max(old_end, note_end):
            together = [note for note in chord if self._line.end[note] == note_end]
            self._changes.end.update(dict.fromkeys(together, end))
        elif end < old_end:
            self._cut([*chord, *self._line.sounding(end, old_pitch)], end)
        elif note_end > end and (pitch != old_pitch or self._after[end] != self._line.states[end]):
            self._cut([note for note in chord if self._pitch(note) <= self._after[end]], end)

    def _pitch(self, note: int) -> int:
        return self._changes.pitch.get(note, int(self._line.pitch[note]))

    def _cut(self, chord: list[int], step: int) -> None:
        """Ends those notes of a chord that sound beyond a step."""
        for note in chord:
            if self._changes.end.get(note, self._line.end[note]) > step and not self._fixed[note]:
                self._changes.end[note] = step
