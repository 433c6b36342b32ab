"""The command `musae`: a musician's own MIDI in, the same MIDI with the change out.

What needs PyTorch is imported only once the song is read, so that help and refusals come at once.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from composer.files import read_song
from composer.options import parse_selection, parse_shares
from composer.output import Output, Product, print_replies
from music.errors import InputError

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Edits MIDI songs with a trained model. The file is patched: what does not change keeps its bytes.",
)

SongFile = Annotated[Path, typer.Argument(metavar="SONG", help="A MIDI file.")]
Change = Annotated[float | None, typer.Option(help="Change in standard deviations of real music; 0 holds it.")]
BarRange = Annotated[str | None, typer.Option("--bars", help="Bars that may change, such as 9-24. Default: all.")]
Tracks = Annotated[str | None, typer.Option("--tracks", help="Roles that may change, such as bass,guitar.")]
Keep = Annotated[str | None, typer.Option("--keep", help="Roles that may not change, such as drums.")]
Number = Annotated[int | None, typer.Option(help="Who plays the role: a number that musae describe lists.")]
Genres = Annotated[list[str] | None, typer.Option("--genre", help="Toward a genre, such as jazz=0.7; may be repeated.")]
Faithful = Annotated[float, typer.Option("--faithful", min=0.01, help="How much the song resists: .5 is bold, 2 shy.")]
Model = Annotated[Path | None, typer.Option("--model", help="Folder of a model. Default: 2 bars, comes with musae.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Of the first; each next one has the next number.")]
Count = Annotated[int, typer.Option("--count", min=1, help="How many.")]
OutFile = Annotated[Path | None, typer.Option("--out", help="The MIDI file to write. Default: beside the song.")]
OutFolder = Annotated[Path | None, typer.Option("--out", help="The folder to write into.")]
Force = Annotated[bool, typer.Option("--force", help="Replace files, but never the song itself.")]
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
    """Say who plays which role, what can be edited, and how the song compares with real music.

    Example: musae describe song.mid
    """
    opened = read_song(song)
    numbers = {"drums": drums_track, "bass": bass_track, "guitar": guitar_track, "strings": strings_track}
    selection = parse_selection(bars, None, None, numbers)
    from composer.describe import describe as operation
    from composer.editor import DEFAULT, load_editor

    print_replies([operation(load_editor(model or DEFAULT), opened, selection)], as_json, [[]])


@app.command()
def edit(
    song: SongFile,
    notes: Change = None,
    drum_density: Change = None,
    note_length: Change = None,
    mean_pitch: Change = None,
    polyphony: Change = None,
    genre: Genres = None,
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
    """Change a song: more notes or fewer, longer, higher, fuller ones, or nearer to a genre.

    Example: musae edit song.mid --notes +1 --note-length -0.5 --genre jazz=0.7 --bars 9-24 --keep drums
    """
    opened = read_song(song)
    numbers = {"drums": drums_track, "bass": bass_track, "guitar": guitar_track, "strings": strings_track}
    selection = parse_selection(bars, tracks, keep, numbers)
    changes = {"notes": notes, "drum density": drum_density, "note length": note_length, "mean pitch": mean_pitch,
               "polyphony": polyphony}  # fmt: skip
    asked = {name: change for name, change in changes.items() if change is not None}
    genres = parse_shares("--genre", genre or [])
    output = Output([out or _beside(song, "edited")], [song], force, as_json, wav, png)
    output.check()
    from composer.edit import EditRequest
    from composer.edit import edit as operation
    from composer.editor import DEFAULT, load_editor

    done = operation(load_editor(model or DEFAULT), opened, EditRequest(asked, genres, selection, faithful))
    output.deliver([Product(done.data, done.reply, lambda path: _draw(path, song.name, done.part, done.edit))])


def _beside(song: Path, what: str) -> Path:
    return song.with_name(f"{song.stem}-{what}.mid")


def main() -> None:
    """Runs the command. What the user can mend is one line, and the exit code is 1."""
    try:
        app()
    except InputError as error:
        sys.exit(f"error: {error}")


def _draw(path: Path, title: str, part: "Part", edit: "Edit") -> None:
    from composer.picture import draw_change

    draw_change(path, title, part, edit)
