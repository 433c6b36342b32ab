"""What an edit may do to a MIDI file, checked with mido and pretty_midi, which know nothing of the project's reader."""

import io
import struct
import warnings
from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import mido
import numpy as np
import pretty_midi

from music.editing.arrangement import Arrangement, Edit
from music.editing.changes import Change
from music.editing.line import read_line
from music.editing.song import open_song
from music.errors import InputError
from music.tokens import HOLD, SILENT, TRACKS, Tokens

NOTES = ("note_on", "note_off")
Message = dict[str, Any]


def random_edit(arrangement: Arrangement, seed: int, share: float = 0.12) -> Tokens:
    """The tokens with about this share of the states replaced, in all tracks: by silence, holds and pitches."""
    draw = np.random.default_rng(seed)
    tokens = arrangement.tokens.copy()
    for track in tokens:
        pitches = track[track < HOLD] if (track < HOLD).any() else np.array([60], np.uint8)
        where = np.flatnonzero(draw.random(len(track)) < share)
        choices = np.stack([np.full(len(where), SILENT), np.full(len(where), HOLD), draw.choice(pitches, len(where))])
        track[where] = choices[draw.integers(0, 3, len(where)), np.arange(len(where))]
    return tokens


def chunks_of(data: bytes) -> tuple[bytes, list[bytes]]:
    """What comes before the tracks' events, and each track's events. Only for plain files."""
    place = 8 + struct.unpack(">I", data[4:8])[0]
    before, tracks = data[:place], []
    while data[place : place + 4] == b"MTrk":
        size = struct.unpack(">I", data[place + 4 : place + 8])[0]
        tracks.append(data[place + 8 : place + 8 + size])
        place += 8 + size
    return before, tracks


def assert_other_tracks_stay(before: bytes, edit: Edit) -> None:
    """The header and all tracks in which no note changes are the same bytes."""
    edited = {note.track for change in edit.changes for note in (change.before, change.after) if note}
    (old_head, old), (new_head, new) = chunks_of(before), chunks_of(edit.data)
    assert old_head == new_head
    for number, (old_track, new_track) in enumerate(zip(old, new, strict=True)):
        assert (old_track == new_track) == (number not in edited)


@lru_cache(maxsize=2)
def messages(data: bytes) -> list[list[tuple[int, Message]]]:
    """For each track the ticks and the messages, as dicts without delta times."""
    tracks = []
    for track in mido.MidiFile(file=io.BytesIO(data), charset="latin1").tracks:
        ticks = np.cumsum([message.time for message in track]).tolist()
        tracks.append([(tick, vars(message) | {"time": 0}) for tick, message in zip(ticks, track, strict=True)])
    return tracks


def is_readable(data: bytes) -> bool:
    """Whether mido can read the file, too."""
    try:
        messages(data)
    except Exception:  # mido raises many kinds of errors
        return False
    return True


def assert_only_notes_differ(before: bytes, after: bytes) -> None:
    """Everything else is the same by mido, in ticks and order; only ends of tracks may come later."""
    for old, new in zip(messages(before), messages(after), strict=True):
        old_others, new_others = ([(t, m) for t, m in track if m["type"] not in NOTES] for track in (old, new))
        assert [m for _, m in old_others] == [m for _, m in new_others]
        for (old_tick, message), (new_tick, _) in zip(old_others, new_others, strict=True):
            assert new_tick == old_tick or (message["type"] == "end_of_track" and new_tick > old_tick)


def assert_same_outside(before: bytes, after: bytes, first: int, stop: int) -> None:
    """All messages before the tick `first`, and from `stop` on, are the same. An end at `stop` belongs to the bars."""
    for old, new in zip(messages(before), messages(after), strict=True):
        for inside in (lambda tick: tick < first, lambda tick: tick >= stop):
            sides = [
                Counter(
                    (tick, str(message))
                    for tick, message in track
                    if inside(tick) and message["type"] != "end_of_track" and not (tick == stop and is_off(message))
                )
                for track in (old, new)
            ]
            assert sides[0] == sides[1]


def is_off(message: Message) -> bool:
    return message["type"] == "note_off" or (message["type"] == "note_on" and message["velocity"] == 0)


def note_counts(data: bytes) -> Counter[tuple[int, ...]]:
    """Each note, by mido, as track, channel, pitch, velocity, start and end: an off ends all earlier ons."""
    notes: Counter[tuple[int, ...]] = Counter()
    for number, track in enumerate(messages(data)):
        sounding: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
        for tick, message in track:
            if message["type"] not in NOTES:
                continue
            key = message["channel"], message["note"]
            if not is_off(message):
                sounding[key].append((tick, message["velocity"]))
                continue
            earlier = [one for one in sounding[key] if one[0] < tick]
            for start, velocity in earlier:
                notes[number, *key, velocity, start, tick] += 1
            sounding[key] = [one for one in sounding[key] if one[0] == tick] if earlier else []
    return notes


def faults(data: bytes) -> tuple[Counter[tuple[int, ...]], set[tuple[int, ...]]]:
    """Notes that never end, as track, channel and pitch, and those that start while their channel has their pitch."""
    never: Counter[tuple[int, ...]] = Counter()
    for number, track in enumerate(messages(data)):
        latest = {(m["channel"], m["note"]): m for _, m in track if m["type"] in NOTES}
        never.update((number, *key) for key, message in latest.items() if not is_off(message))
    by_pitch = defaultdict(list)
    for (_, channel, pitch, _, start, end), count in note_counts(data).items():
        by_pitch[channel, pitch] += [(start, end)] * count
    overlaps = set()
    for key, spans in by_pitch.items():
        latest_end = -1
        for start, end in sorted(spans):
            if start < latest_end:
                overlaps.add((*key, start))
            latest_end = max(latest_end, end)
    return never, overlaps


def others_by_pretty_midi(data: bytes) -> dict[str, object]:
    """Everything but notes, by pretty_midi."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        midi = pretty_midi.PrettyMIDI(io.BytesIO(data))
    return {
        "resolution": midi.resolution,
        "tempo": [values.tolist() for values in midi.get_tempo_changes()],
        "meter": [str(one) for one in midi.time_signature_changes],
        "keys": [str(one) for one in midi.key_signature_changes],
        "lyrics": [str(one) for one in midi.lyrics],
        "texts": [str(one) for one in midi.text_events],
        "controls": {str(change) for one in midi.instruments for change in one.control_changes},
        "bends": {str(bend) for one in midi.instruments for bend in one.pitch_bends},
    }


def assert_fair(before: bytes, after: bytes, changes: Sequence[Change]) -> None:
    """The notes that differ are those that the changes name, and no fault is new."""
    old, new = note_counts(before), note_counts(after)
    gone = Counter(row(change.before) for change in changes if change.before)
    come = Counter(row(change.after) for change in changes if change.after)
    assert old - new == gone - come
    assert new - old == come - gone
    never, overlaps = faults(before)
    new_never, new_overlaps = faults(after)
    assert not new_never - never
    assert new_overlaps <= overlaps


def row(note) -> tuple[int, ...]:
    return note.track, note.channel, note.pitch, note.velocity, note.start, note.end


def tokens_again(arrangement: Arrangement, edit: Edit) -> Tokens:
    """The tokens of the written file, read again, for the same instruments; silence where none has a note left."""
    tokens = np.full_like(arrangement.tokens, SILENT)
    try:
        again = open_song(edit.data, "edited.mid")
    except InputError:  # there are no notes in it
        return tokens
    for role in arrangement.roles:
        parts = {(one.track, one.channel, one.program) for one in arrangement.castings[role].instruments}
        same = [one for one in again.instruments if (one.track, one.channel, one.program) in parts]
        tokens[TRACKS.index(role)] = read_line(again.file.notes, same, arrangement.grid).states
    return tokens
