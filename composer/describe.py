"""What a song is to a model: who plays which role, what can be edited, and how it compares with real music."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from composer.editor import Editor
from composer.part import Part, Selection, choose
from music.arrays import FloatArray
from music.editing.meter import Bars, longest_in_four_four
from music.editing.song import Song
from music.errors import InputError
from music.metrics import METRICS, measure
from music.tokens import PITCHES, TRACKS

NEAREST = 5
"""The number of genres that are named."""
OFF_THE_GRID = 0.1
"""Share of notes further than a tenth of a step from the sixteenths, from which it is said."""


@dataclass(frozen=True)
class InstrumentReply:
    """An instrument of the file."""

    number: int
    """The number that --bass-track and its like take."""
    track: int
    """The file's track, counted from 1."""
    name: str
    channel: int
    """Counted from 1."""
    program: int
    role: str
    """The role that its program belongs to."""
    notes: int


@dataclass(frozen=True)
class MetricReply:
    """A low-level property of the song beside real music."""

    name: str
    value: float
    """The mean over windows; NaN if it is defined in none."""
    unit: str
    percentile: float
    """How many percent of real windows have less of it; NaN if unknown."""


@dataclass(frozen=True)
class DescribeReply:
    """What a song is to a model."""

    file: str
    model: str
    sections: tuple[tuple[Bars, str], ...]
    """Stretches of bars with their meters."""
    instruments: tuple[InstrumentReply, ...]
    bars: Bars | None
    """The bars described; None if nothing can be edited."""
    roles: Mapping[str, str]
    """Why which instrument plays each role, or that it is silent."""
    in_the_way: tuple[str, ...]
    """What cannot be edited and what can be done about it."""
    metrics: tuple[MetricReply, ...]
    genres: Mapping[str, float]
    """The nearest genres, the nearest first, with the percentage of real windows that are less like them."""

    def lines(self) -> Iterator[str]:
        """Yields the text."""
        yield f"{self.file}: " + ", ".join(f"{bars} in {meter}" for bars, meter in self.sections)
        for one in self.instruments:
            sound = "drums" if one.role == TRACKS[0] else f"program {one.program}, {one.role}"
            name = f' "{one.name}"' if one.name else ""
            yield f"  {one.number}: track {one.track}{name}, channel {one.channel}, {sound}, {one.notes} notes"
        yield from self.roles.values()
        yield from (f"in the way: {reason}" for reason in self.in_the_way)
        if self.bars:
            yield f"{self.bars} beside real music (model {self.model}), in percentiles:"
        for metric in self.metrics:
            if not np.isnan(metric.value):
                yield f"  {metric.name}: {metric.value:.3g} {metric.unit}, percentile {metric.percentile:.0f}"
        for genre, percentile in self.genres.items():
            yield f"  like {genre}: percentile {percentile:.0f}"


def describe(editor: Editor, song: Song, selection: Selection) -> DescribeReply:
    """Describes the chosen bars of a song, by default the longest stretch in 4/4."""
    part, in_the_way = _part(editor, song, selection)
    if part:
        in_the_way += _obstacles(part)
    return DescribeReply(
        file=song.file.name,
        model=editor.name,
        sections=tuple((section.bars, section.meter) for section in song.sections),
        instruments=_instruments(song),
        bars=part.bars if part else None,
        roles={role: casting.why for role, casting in part.arrangement.castings.items()} if part else {},
        in_the_way=tuple(in_the_way),
        metrics=tuple(_metrics(editor, part)) if part else (),
        genres=_nearest_genres(editor, part) if part else {},
    )


def _part(editor: Editor, song: Song, selection: Selection) -> tuple[Part | None, list[str]]:
    """Returns the part to describe, and why it is not all that was chosen."""
    try:
        return choose(song, selection, editor.bars), []
    except InputError as error:
        longest = None if selection.bars else longest_in_four_four(song.sections)
        part = choose(song, replace(selection, bars=longest), editor.bars) if longest else None
        return part, [str(error).removeprefix(f"{song.file.name}: ")]


def _instruments(song: Song) -> tuple[InstrumentReply, ...]:
    return tuple(
        InstrumentReply(one.number, one.track, one.track_name, one.channel, one.program, one.role, len(one.handles))
        for one in song.instruments
    )


def _obstacles(part: Part) -> list[str]:
    """Returns what edits cannot reach or may not expect in a part that can be edited."""
    arrangement, found = part.arrangement, []
    missing = [role for role in TRACKS if role not in arrangement.roles]
    if missing:
        found.append(f"no {' and no '.join(missing)}: silent to the model, which learnt from music with all four; "
                     f"another instrument may play it (--{missing[0]}-track)")  # fmt: skip
    off = _off_the_grid(part)
    if off > OFF_THE_GRID:
        found.append(f"{off:.0%} of the notes are off the sixteenths (triplets, or free playing): notes that stay keep "
                     "their time, new ones follow the track's habits")  # fmt: skip
    lines, notes = _notes_in_lines(part)
    if lines < notes:
        found.append(f"the four lines, each its role's lowest note, have {lines} of {notes} notes: upper voices move "
                     "with their chords, other instruments stay")  # fmt: skip
    return found


def _off_the_grid(part: Part) -> float:
    """Returns the share of the roles' notes that start further than a tenth of a step from a step."""
    grid, starts = part.arrangement.grid, part.arrangement.file.notes.start
    handles = np.concatenate([line.handles for line in part.arrangement.lines.values()])
    step = grid.ticks_per_quarter / 4
    offsets = (starts[handles] - grid.tick) / step
    return float((np.abs(offsets - np.round(offsets)) > OFF_THE_GRID).mean())


def _notes_in_lines(part: Part) -> tuple[int, int]:
    """Returns how many notes of the part's bars are in the four lines, and how many notes the file has there."""
    grid = part.arrangement.grid
    start = grid.step_of(part.arrangement.file.notes.start)
    steps = grid.steps_of(part.bars)
    lines = int((part.arrangement.tokens[:, part.steps] < PITCHES).sum())
    return lines, int(((start >= steps.start) & (start < steps.stop)).sum())


def _metrics(editor: Editor, part: Part) -> Iterator[MetricReply]:
    """Yields every metric of the part."""
    for name, values in measure(part.windows).items():
        value = float(np.nanmean(values)) if not np.isnan(values).all() else float("nan")
        scale = editor.scales.attributes.get(name)
        percentile = _percentile(scale.quantiles, value) if scale else float("nan")
        yield MetricReply(name, value, METRICS[name].unit, percentile)


def _percentile(quantiles: FloatArray, value: float) -> float:
    """Returns where a value stands among the percentiles 0 to 100; equal ones count half."""
    below, up_to = (np.searchsorted(quantiles, value, side=side) for side in ("left", "right"))
    return float(min((below + up_to) / 2, 100)) if not np.isnan(value) else value


def _nearest_genres(editor: Editor, part: Part) -> dict[str, float]:
    """Returns the genres that the part is most like, with its mean percentile."""
    if editor.scales.genre_scores is None:
        return {}
    percentiles = editor.scales.genre_scores.percentiles(part.windows).mean(axis=0)
    known = {genre: value for genre, value in zip(editor.genres, percentiles.tolist(), strict=True) if value >= 0}
    return {genre: known[genre] for genre in sorted(known, key=lambda genre: -known[genre])[:NEAREST]}
