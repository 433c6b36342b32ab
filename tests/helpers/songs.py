"""Songs as a musician's program writes them: a band, and much that is not notes."""

import mido
import numpy as np

from tests.helpers.scores import midi_file

TICKS_A_STEP = 120
PLAYERS = {"drums": (9, 0, 36, 4), "bass": (0, 33, 36, 4), "guitar": (1, 25, 48, 2), "strings": (2, 48, 60, 8)}
"""Of each role: channel, program, lowest pitch and steps from note to note."""
C_MAJOR = (0, 2, 4, 5, 7, 9, 11)
"""The pitch classes of the song."""


def song(bars: int = 24, seed: int = 0, roles: tuple[str, ...] = tuple(PLAYERS), numerator: int = 4) -> bytes:
    """A song in which every note has a time and a velocity of its own, with events of many other kinds."""
    draw = np.random.default_rng(seed)
    conductor = [
        mido.MetaMessage("track_name", name="A song"),
        mido.MetaMessage("set_tempo", tempo=480_000),
        mido.MetaMessage("time_signature", numerator=numerator, denominator=4),
        mido.MetaMessage("key_signature", key="C"),
        mido.MetaMessage("marker", text="verse"),
        mido.MetaMessage("set_tempo", tempo=490_000, time=8 * 16 * TICKS_A_STEP),
        mido.MetaMessage("lyrics", text="la"),
        mido.Message("sysex", data=(126, 127, 9, 1)),
    ]
    return midi_file(conductor, *(_track(role, bars, draw) for role in roles))


def _track(role: str, bars: int, draw: np.random.Generator) -> list[mido.Message | mido.MetaMessage]:
    channel, program, lowest, every = PLAYERS[role]
    events = []
    for step in range(0, 16 * bars, every):
        start = max(step * TICKS_A_STEP + int(draw.integers(-20, 21)), 0)
        pitch = lowest + (2 * int(draw.integers(4)) if role == "drums" else C_MAJOR[int(draw.integers(7))])
        chord = (0, 12, 24) if role == "guitar" and not step % 8 else (0,)
        for interval in chord:
            note = {"channel": channel, "note": pitch + interval}
            events.append((start, mido.Message("note_on", velocity=int(draw.integers(60, 110)), **note)))
            events.append((start + every * TICKS_A_STEP - 40, mido.Message("note_off", **note)))
        if not step % 16:
            events.append((start, mido.Message("control_change", channel=channel, control=7, value=step % 128)))
            events.append((start + 5, mido.Message("pitchwheel", channel=channel, pitch=step % 100)))
    messages = [
        mido.MetaMessage("track_name", name=role.title()),
        mido.Message("program_change", channel=channel, program=program),
    ]
    before = 0
    for tick, message in sorted(events, key=lambda event: event[0]):
        messages.append(message.copy(time=tick - before))
        before = tick
    return messages
