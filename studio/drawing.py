"""What the page draws of a song: its notes by role, its bars and its tempo, as JSON has them."""

from collections.abc import Mapping, Sequence
from typing import Any

from music.editing.arrangement import Arrangement
from music.editing.casting import Casting, FileInstrument
from music.editing.changes import Change
from music.editing.meter import longest_in_four_four
from music.editing.midi_file import Note
from music.editing.song import Song
from music.errors import InputError
from music.tokens import TRACKS

STAYS, BEFORE, AFTER = range(3)
"""What a drawn note is: one that stays, or one as it was before or is after a change."""
FAMILIES = ("piano", "chromatic percussion", "organ", "guitar", "bass", "solo strings", "ensemble", "brass", "reed",
            "pipe", "synth lead", "synth pad", "synth effects", "ethnic", "percussive", "sound effects")  # fmt: skip
"""Those of General MIDI, eight programs each."""


def draw_song(song: Song) -> dict[str, Any]:
    """Returns what does not change with edits: times in ticks, and the roles before any edit.

    `tempos` are ticks with microseconds a quarter note, `bars` the ticks at which bars begin, with the end of the last.
    """
    arrangement, in_the_way = _arrange(song)
    last = int(song.file.notes.end.max())
    return {
        "ticks_per_quarter": song.file.ticks_per_quarter,
        "tempos": list(song.file.tempos.items()),
        "bars": _bars(song),
        "end": last,
        "editable": arrangement.bars if arrangement else None,
        "in_the_way": in_the_way,
        "roles": draw_roles(arrangement) if arrangement else _roles_by_program(song),
        "instruments": [_instrument(one) for one in song.instruments],
    }


def draw_roles(arrangement: Arrangement, changes: Sequence[Change] = ()) -> dict[str, Any]:
    """Returns for each role who plays it, on which channels, and the notes: start, end, pitch and what they are."""
    changed = {change.handle for change in changes}
    return {role: _role(arrangement, role, casting, changes, changed) for role, casting in arrangement.castings.items()}


def _role(
    arrangement: Arrangement, role: str, casting: Casting, changes: Sequence[Change], changed: set[int | None]
) -> dict[str, Any]:
    file = arrangement.file
    handles = [handle for one in casting.instruments for handle in one.handles.tolist() if handle not in changed]
    mine = [change for change in changes if change.role == role]
    notes = [_note(file.note(handle), STAYS) for handle in handles]
    notes += [_note(change.before, BEFORE) for change in mine if change.before]
    notes += [_note(change.after, AFTER) for change in mine if change.after]
    return _described(casting.instruments, casting.why, notes)


def _roles_by_program(song: Song) -> Mapping[str, Any]:
    """Returns the roles of a song that cannot be edited, by programs alone."""
    roles = {}
    for role in TRACKS:
        players = [one for one in song.instruments if one.role == role]
        notes = [_note(song.file.note(handle), STAYS) for one in players for handle in one.handles.tolist()]
        roles[role] = _described(players, f"{role}: cannot be edited in this song", notes)
    return roles


def _described(players: Sequence[FileInstrument], why: str, notes: Sequence[Sequence[int]]) -> dict[str, Any]:
    return {
        "players": ", ".join(_name(one) for one in players) or None,
        "numbers": [one.number for one in players],
        "channels": sorted({one.channel - 1 for one in players}),
        "why": why,
        "notes": notes,
    }


def _note(note: Note, kind: int) -> tuple[int, int, int, int]:
    return note.start, note.end, note.pitch, kind


def _instrument(one: FileInstrument) -> dict[str, Any]:
    return {"number": one.number, "name": _name(one), "role": one.role, "drums": one.is_drum,
            "channel": one.channel - 1, "notes": len(one.handles)}  # fmt: skip


def _name(one: FileInstrument) -> str:
    """Returns the name of an instrument's track, or its family."""
    return one.track_name or ("drum kit" if one.is_drum else FAMILIES[one.program // 8])


def _arrange(song: Song) -> tuple[Arrangement | None, str | None]:
    """Returns the song's roles, of its longest stretch in 4/4 if not all of it is, and what is in the way."""
    try:
        return song.arrange(), None
    except InputError as error:
        longest = longest_in_four_four(song.sections)
        return song.arrange(longest) if longest else None, str(error).removeprefix(f"{song.file.name}: ")


def _bars(song: Song) -> list[int]:
    """Returns the ticks at which bars begin, and at which the last one ends."""
    starts: list[int] = []
    end = song.sections[-1].tick
    for section, after in zip(song.sections, [*song.sections[1:], None], strict=True):
        count = section.bars.last - section.bars.first + 1
        numerator, _, denominator = section.meter.partition("/")
        if denominator:
            length = max(4 * song.file.ticks_per_quarter * int(numerator) // int(denominator), 1)
        else:  # a short bar ends where the next section begins
            length = after.tick - section.tick if after else 1
        starts += [section.tick + number * length for number in range(count)]
        end = section.tick + count * length
    return [*starts, end]
