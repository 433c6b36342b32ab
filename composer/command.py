"""The command `musae`: a musician's own MIDI in, the same MIDI with the change out.

The parameters of a command are its options. What needs PyTorch is imported once the song is read and the options are
understood, so that help and refusals come at once.
"""

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from composer.files import read_song
from composer.options import parse_selection, parse_shares
from composer.output import Output, Product, print_replies
from composer.part import Part
from music.editing.arrangement import Edit
from music.errors import InputError
from music.tokens import Tokens

if TYPE_CHECKING:
    from composer.editor import Editor

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Edits MIDI songs with a trained model. The file is patched: what does not change keeps its bytes.",
)

SongFile = Annotated[Path, typer.Argument(metavar="SONG", help="A MIDI file.")]
Change = Annotated[float | None, typer.Option(help="By how many standard deviations of real music; 0 holds it.")]
BarRange = Annotated[str | None, typer.Option("--bars", help="Bars that may change, such as 9-24; by default all.")]
Tracks = Annotated[str | None, typer.Option("--tracks", help="Roles that may change, such as bass,guitar.")]
Keep = Annotated[str | None, typer.Option("--keep", help="Roles that may not change, such as drums.")]
Number = Annotated[int | None, typer.Option(help="Who plays the role: a number that musae describe lists.")]
Faithful = Annotated[float, typer.Option("--faithful", min=0.01, help="How much the song resists: .5 is bold, 2 shy.")]
Model = Annotated[Path | None, typer.Option("--model", help="Folder of a model; by default one of 2 bars.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="That of the first; the next ones have the next numbers.")]
Count = Annotated[int, typer.Option("--count", min=1, help="How many.")]
OutFile = Annotated[Path | None, typer.Option("--out", help="The MIDI file to write; by default beside the song.")]
OutFolder = Annotated[Path | None, typer.Option("--out", help="The folder to write into; by default the song's.")]
Force = Annotated[bool, typer.Option("--force", help="Replace files, but never a song that is read.")]
Json = Annotated[bool, typer.Option("--json", help="Print the reply as JSON.")]
Wav = Annotated[bool, typer.Option("--wav", help="Write the sound too, as WAV.")]
Png = Annotated[bool, typer.Option("--png", help="Draw a picture too.")]


@app.command()
def describe(
    song: SongFile,
    bars: BarRange = None,
    drums_track: Number = None,
    bass_track: Number = None,
    guitar_track: Number = None,
    strings_track: Number = None,
    model: Model = None,
    as_json: Json = False,
) -> None:
    """Say who plays what, and what can be edited.

    It also says how the song compares with real music, and which genres it is like.

    Example: musae describe song.mid
    """
    opened = read_song(song)
    selection = parse_selection(bars, None, None, (drums_track, bass_track, guitar_track, strings_track))
    from composer.describe import describe as operation

    print_replies([operation(_load(model), opened, selection)], as_json, [[]])


@app.command()
def edit(
    song: SongFile,
    notes: Change = None,
    drum_density: Change = None,
    note_length: Change = None,
    mean_pitch: Change = None,
    polyphony: Change = None,
    genre: Annotated[list[str] | None, typer.Option(help="Toward a genre, such as jazz=0.7; may be repeated.")] = None,
    bars: BarRange = None,
    tracks: Tracks = None,
    keep: Keep = None,
    drums_track: Number = None,
    bass_track: Number = None,
    guitar_track: Number = None,
    strings_track: Number = None,
    faithful: Faithful = 1.0,
    model: Model = None,
    out: OutFile = None,
    force: Force = False,
    as_json: Json = False,
    wav: Wav = False,
    png: Png = False,
) -> None:
    """Change attributes, or move toward genres.

    What was asked for is measured on the file that comes out, and the reply says how near it came.

    Example: musae edit song.mid --notes +1 --note-length -0.5 --genre jazz=0.7 --bars 9-24 --keep drums
    """
    opened = read_song(song)
    selection = parse_selection(bars, tracks, keep, (drums_track, bass_track, guitar_track, strings_track))
    changes = {"notes": notes, "drum density": drum_density, "note length": note_length, "mean pitch": mean_pitch,
               "polyphony": polyphony}  # fmt: skip
    asked = {name: change for name, change in changes.items() if change is not None}
    genres = parse_shares("--genre", genre or [])
    output = Output([out or song.with_name(f"{song.stem}-edited{song.suffix}")], [song], force, as_json, wav, png)
    output.check()
    from composer.edit import EditRequest
    from composer.edit import edit as operation

    done = operation(_load(model), opened, EditRequest(asked, genres, selection, faithful))
    output.deliver([Product(done.data, done.reply, partial(_draw_change, song.name, done.part, done.edit))])


@app.command()
def vary(
    song: SongFile,
    count: Count = 4,
    radius: Annotated[float, typer.Option(min=0, help="How far from the song; 1 is near, 3 far.")] = 1.5,
    bars: BarRange = None,
    tracks: Tracks = None,
    keep: Keep = None,
    drums_track: Number = None,
    bass_track: Number = None,
    guitar_track: Number = None,
    strings_track: Number = None,
    faithful: Faithful = 1.0,
    model: Model = None,
    seed: Seed = 0,
    out: OutFolder = None,
    force: Force = False,
    as_json: Json = False,
    wav: Wav = False,
    png: Png = False,
) -> None:
    """Make variations of a song.

    What repeats in the song repeats in the variation.

    Example: musae vary song.mid --count 4 --radius 1.5 --bars 17-32
    """
    opened = read_song(song)
    selection = parse_selection(bars, tracks, keep, (drums_track, bass_track, guitar_track, strings_track))
    names = [f"{song.stem}-varied-{number}{song.suffix}" for number in range(seed, seed + count)]
    output = Output(_in_folder(out or song.parent, names), [song], force, as_json, wav, png)
    output.check()
    from composer.vary import VaryRequest
    from composer.vary import vary as operation

    done = operation(_load(model), opened, VaryRequest(count, radius, seed, selection, faithful))
    output.deliver([Product(one.data, one.reply, partial(_draw_change, song.name, one.part, one.edit)) for one in done])


@app.command()
def interpolate(
    first: SongFile,
    second: SongFile,
    steps: Annotated[int, typer.Option(min=2, help="How many songs, with both ends.")] = 9,
    bars: BarRange = None,
    tracks: Tracks = None,
    keep: Keep = None,
    model: Model = None,
    out: OutFolder = None,
    force: Force = False,
    as_json: Json = False,
    wav: Wav = False,
    png: Png = False,
) -> None:
    """Make the songs between two songs.

    The first and the last are the two themselves, byte for byte.

    Example: musae interpolate a.mid b.mid --steps 9 --out between
    """
    opened = read_song(first), read_song(second)
    selection = parse_selection(bars, tracks, keep)
    names = [f"{first.stem}-to-{second.stem}-{number}.mid" for number in range(1, steps + 1)]
    output = Output(_in_folder(out or first.parent, names), [first, second], force, as_json, wav, png)
    output.check()
    from composer.interpolate import InterpolateRequest
    from composer.interpolate import interpolate as operation

    done = operation(_load(model), *opened, InterpolateRequest(steps, selection))
    output.deliver(
        [Product(one.data, one.reply, partial(_draw_change, one.reply.file, one.part, one.edit)) for one in done]
    )


@app.command()
def sample(
    genre: Annotated[str | None, typer.Option(help="A genre; by default music of all.")] = None,
    mix: Annotated[str | None, typer.Option(help="How often each genre comes, such as jazz=.6,rock=.4.")] = None,
    like: Annotated[Path | None, typer.Option(help="A song whose tempo, programs and velocities to take.")] = None,
    count: Count = 1,
    model: Model = None,
    seed: Seed = 0,
    out: Annotated[Path, typer.Option(help="The folder to write into.")] = Path(),
    force: Force = False,
    as_json: Json = False,
    wav: Wav = False,
    png: Png = False,
) -> None:
    """Make new music, as long as a window of the model.

    Example: musae sample --genre jazz --count 8 --like song.mid

    Example: musae sample --mix jazz=.6,rock=.4 --count 8 --out samples
    """
    if genre and mix:
        raise InputError("--genre and --mix are two ways to say the same; give one of them")
    opened = None if like is None else read_song(like)
    genres = parse_shares("--mix", [mix]) if mix else {genre: 1.0} if genre else {}
    names = [f"sample-{number}.mid" for number in range(seed, seed + count)]
    output = Output(_in_folder(out, names), [like] if like else [], force, as_json, wav, png)
    output.check()
    from composer.sample import SampleRequest
    from composer.sample import sample as operation

    done = operation(_load(model), SampleRequest(genres, count, seed), opened)
    output.deliver(
        [
            Product(one.data, one.reply, partial(_draw_lines, f"seed {one.reply.seed}", [("sample", one.tokens)]))
            for one in done
        ]
    )


@app.command()
def reconstruct(
    song: SongFile,
    bars: BarRange = None,
    tracks: Tracks = None,
    keep: Keep = None,
    drums_track: Number = None,
    bass_track: Number = None,
    guitar_track: Number = None,
    strings_track: Number = None,
    model: Model = None,
    out: OutFile = None,
    force: Force = False,
    as_json: Json = False,
    wav: Wav = False,
    png: Png = False,
) -> None:
    """Write what the model makes of a song.

    It encodes and decodes the four lines, and says how much of them comes back.

    Example: musae reconstruct song.mid --bars 1-16
    """
    opened = read_song(song)
    selection = parse_selection(bars, tracks, keep, (drums_track, bass_track, guitar_track, strings_track))
    output = Output([out or song.with_name(f"{song.stem}-reconstructed.mid")], [song], force, as_json, wav, png)
    output.check()
    from composer.reconstruct import reconstruct as operation

    done = operation(_load(model), opened, selection)
    panels = [("song", done.before), ("reconstruction", done.after)]
    output.deliver([Product(done.data, done.reply, partial(_draw_lines, song.name, panels))])


def _in_folder(folder: Path, names: Sequence[str]) -> list[Path]:
    return [folder / name for name in names]


def _load(model: Path | None) -> "Editor":
    from composer.editor import DEFAULT, load_editor

    return load_editor(model or DEFAULT)


def _draw_change(title: str, part: Part, edit: Edit, path: Path) -> None:
    from composer.picture import draw_change

    draw_change(path, title, part, edit)


def _draw_lines(title: str, panels: Sequence[tuple[str, Tokens]], path: Path) -> None:
    from music.piano_rolls import draw_windows

    draw_windows(path, title, panels, columns=1)


def main() -> None:
    """Runs the command. What the user can mend is said in one line, and the exit code is 1."""
    try:
        app()
    except InputError as error:
        sys.exit(f"error: {error}")
