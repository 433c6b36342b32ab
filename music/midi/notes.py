"""Notes from the events of a MIDI file, by the rules of pretty_midi."""

from itertools import pairwise

import numpy as np

from music.arrays import BoolArray, IntArray
from music.midi.events import LARGEST_TICK, TICK_BITS, Events
from music.score import Instrument

TRACK_BITS = 15
EVENT_BITS = 32
NOTE_OFF, NOTE_ON, PROGRAM_CHANGE = 0x80, 0x90, 0xC0
DRUM_CHANNEL = 9


def find_instruments(events: Events) -> tuple[Instrument, ...]:
    """Returns the notes of each (track, channel, program), in the order in which each one's first note ends.

    A note belongs to the program at its end.
    """
    ons, offs = pair_notes(events)
    parts = find_parts(events, offs)
    keys = parts << 7 | find_programs(events, offs, parts)
    order = np.argsort(keys, kind="stable")
    if not len(order):
        return ()
    keys, ons, offs = keys[order], ons[order], offs[order]
    notes = np.stack([events.moment[ons], events.moment[offs], events.first[ons]])
    notes[:2] &= LARGEST_TICK
    firsts = np.flatnonzero(np.append(True, keys[1:] != keys[:-1]))
    bounds = list(pairwise([*firsts.tolist(), len(keys)]))
    programs, is_drum = (keys[firsts] & 0x7F).tolist(), ((keys[firsts] >> 7 & 0xF) == DRUM_CHANNEL).tolist()
    by_first_end = np.argsort(np.minimum.reduceat(offs, firsts)).tolist()
    return tuple(Instrument(programs[n], is_drum[n], notes[:, slice(*bounds[n])].T) for n in by_first_end)


def find_parts(events: Events, which: IntArray) -> IntArray:
    """Returns a number for the track and the channel of each of these events."""
    return events.moment[which] >> TICK_BITS << 4 | events.status[which] & 0xF


def find_programs(events: Events, offs: IntArray, parts: IntArray) -> IntArray:
    """Returns (notes,) the program of each note's part when the note ends; 0 before any program change.

    offs, parts: (notes,), the events that end the notes, and the numbers of their parts.
    """
    changes = np.flatnonzero((events.status & 0xF0) == PROGRAM_CHANGE)
    places = np.sort(find_parts(events, changes) << EVENT_BITS | changes)
    latest = np.searchsorted(places, parts << EVENT_BITS | offs)
    programs = np.append(0, events.first[places & ((1 << EVENT_BITS) - 1)])[latest]
    return np.where(np.append(-1, places >> EVENT_BITS)[latest] == parts, programs, 0)


def pair_notes(events: Events) -> tuple[IntArray, IntArray]:
    """Returns (notes,) the event that starts each note, ascending, and (notes,) the event that ends it.

    A note-off ends all notes of its track, channel and pitch that started at earlier ticks. Notes that started at its
    own tick go on if it ends others, and are dropped if it does not. Notes that nothing ends are dropped.
    """
    places, moments = _by_pitch(events)
    starts = (events.status[places] >= NOTE_ON) & (events.second[places] > 0)
    ons, offs = np.flatnonzero(starts), np.flatnonzero(~starts)
    bounds = np.concatenate([[-1], offs, [len(places)]])
    following = np.repeat(np.arange(len(offs) + 1), bounds[1:] - bounds[:-1] - 1)  # the next note-off of each note-on
    begin, ends = moments[ons], np.append(moments[offs], -1)
    together = ends[following] == begin
    end_number = following + together
    end = ends[end_number]
    lasts = (end > begin) & (end >> TICK_BITS == begin >> TICK_BITS)
    lasts[together] &= _end_others(moments, offs, following[together])
    end_of = np.full(len(events.moment), -1)
    end_of[places[ons[lasts]]] = places[offs[end_number[lasts]]]
    note_ons = np.flatnonzero(end_of >= 0)
    return note_ons, end_of[note_ons]


def _by_pitch(events: Events) -> tuple[IntArray, IntArray]:
    """Returns (n,) the note-ons and note-offs in order of channel, pitch, track and time, and (n,) their moments.

    Above a moment's track and tick stand channel and pitch, so that moments ascend, too.
    """
    places = np.flatnonzero((events.status & 0xE0) == NOTE_OFF)
    keys = events.status[places].astype(np.uint16) << 7 & 0x780 | events.first[places]
    order = np.argsort(keys, kind="stable")  # a radix sort, fast for keys of 16 bits
    places = places[order]
    return places, keys[order].astype(np.int64) << TRACK_BITS + TICK_BITS | events.moment[places]


def _end_others(moments: IntArray, offs: IntArray, which: IntArray) -> BoolArray:
    """Returns (n,) whether the note-offs with these numbers end notes that started at earlier ticks.

    moments: (n,), as `_by_pitch` returns them; offs: (note-offs,), places among them; which: (n,) the numbers,
    ascending, of note-offs that come after note-ons of the same moment.
    """
    numbers, note_ons = np.unique(which, return_counts=True)
    place, previous = offs[numbers], np.append(-1, offs)[numbers]
    group = moments >> TICK_BITS
    earlier = np.searchsorted(moments, moments[place]) - 1
    starts_others = (earlier > previous) & (group[earlier] == group[place])
    # A note that started together with the note-off before goes on if that one ended others.
    passes_on = (np.diff(numbers, prepend=-2) == 1) & (earlier == previous) & (group[previous] == group[place])
    order = np.arange(len(numbers))
    started = np.maximum.accumulate(starts_others * (order + 1))
    stopped = np.maximum.accumulate(~passes_on * (order + 1))
    return np.repeat(started >= stopped, note_ons)
