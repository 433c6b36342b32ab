"""The 32 styles of the demo corpus: a table with one style on each line."""

from dataclasses import dataclass

MAJOR = (0, 2, 4, 5, 7, 9, 11)
MINOR = (0, 2, 3, 5, 7, 8, 10)
"""Each degree of the scale, in semitones above the tonic."""


@dataclass(frozen=True)
class Style:
    """How a genre sounds.

    The rhythm of a part is 16 steps: x is a note of one step, - a note held until the next one, and . neither.
    """

    tags: str
    """Genre tags, separated by |."""
    tempo: int
    """Quarter notes a minute."""
    kick: str
    snare: str
    hat: str
    bass: str
    comp: str
    strings: str
    chords: str
    """The degree of the scale, from 1, that each bar's chord is built on."""
    scale: tuple[int, ...]
    """`MAJOR` or `MINOR`."""
    programs: tuple[int, int, int]
    """General MIDI programs of the bass (32-39), guitar or piano (0-31) and strings (40 and above)."""


# fmt: off
STYLES = (
    Style("rock|classic rock", 124, "x.....x.x.......", "....x.......x...", "x.x.x.x.x.x.x.x.", "x.x.x.x.x.x.x.x.", "-..-..-.-..-..-.", "-.......-.......", "1 5 6 4", MAJOR, (34, 29, 48)),
    Style("hard rock|rock", 138, "x.x...x.x.x.....", "....x.......x..x", "x...x...x...x...", "xxxxxxxxxxxxxxxx", "x.xx.xx.x.xx.x..", "-...............", "1 7 4 1", MINOR, (34, 30, 50)),
    Style("punk|rock|punk rock", 176, "x...x...x...x...", "..x...x...x...x.", "x.x.x.x.x.x.x.x.", "x.x.x.x.x.x.x.x.", "x.x.x.x.x.x.x.x.", "-...-...-...-...", "1 4 5 4", MAJOR, (33, 30, 61)),
    Style("metal|hard rock|heavy metal", 160, "xxxxxxxxxxxxxxxx", "....x.......x...", "x...x...x...x...", "xxx.xxx.xxx.xxx.", "xxx.xxx.xxx.xxx.", "-...............", "1 2 1 7", MINOR, (34, 30, 52)),
    Style("grunge|alternative rock|rock", 112, "x..x....x..x....", "....x.......x...", "x.x.x.x.x.x.x.x.", "-..-....-..-....", "-..-..x.-..-..x.", "........-.......", "1 3 4 6", MINOR, (33, 29, 49)),
    Style("alternative rock|indie", 128, "x.....x...x.....", "....x.......x...", "xxxxxxxxxxxxxxxx", "x.x.x.x.x.x.x.x.", "..x...x...x...x.", "-...-...-.......", "6 4 1 5", MAJOR, (33, 27, 48)),
    Style("pop|80s", 116, "x...x...x...x...", "....x.......x...", "..x...x...x...x.", "x..x..x.x..x..x.", "-...-...-...-...", "-.......-...-...", "1 6 4 5", MAJOR, (38, 4, 50)),
    Style("synthpop|80s|pop|electronic", 120, "x...x...x...x...", "....x.......x...", "x.x.x.x.x.x.x.x.", "x.x.x.x.x.x.x.x.", "x..x..x...x..x..", "-..-..-.-.......", "6 4 1 5", MINOR, (38, 5, 81)),
    Style("dance|electronic|pop", 128, "x...x...x...x...", "....x.......x...", "..x...x...x...x.", "..x...x...x...x.", "x..x..x..x..x.x.", "x.x.x.x.x.x.x.x.", "1 5 6 4", MINOR, (38, 2, 80)),
    Style("house|dance|electronic", 124, "x...x...x...x...", "............x...", "..xx..xx..xx..xx", "..x..x....x..x..", "..x..x....x..x..", "-...............", "1 4 1 4", MINOR, (39, 16, 89)),
    Style("trance|dance|electronic", 138, "x...x...x...x...", "....x.......x...", "..x...x...x...x.", ".xxx.xxx.xxx.xxx", "x.x.x.x.x.x.x.x.", "x.xx.xx.x.xx.x.x", "6 4 1 5", MINOR, (38, 5, 81)),
    Style("techno|electronic", 134, "x...x...x...x...", "................", "xxxxxxxxxxxxxxxx", "x.xxx.xxx.xxx.xx", "...x......x.....", "-.......-.......", "1 1 1 1", MINOR, (39, 17, 90)),
    Style("ambient|electronic|chillout", 80, "x...............", "........x.......", "....x.......x...", "-...............", "-.......-.......", "-...............", "1 3 6 4", MAJOR, (35, 8, 89)),
    Style("downtempo|chillout|electronic", 90, "x.....x...x.....", "....x.......x..x", "x.xxx.xxx.xxx.xx", "-.....-...-.....", "....-.......-...", "-.......-.......", "1 6 2 5", MINOR, (35, 4, 95)),
    Style("hip hop|rap", 92, "x..x......x.....", "....x.......x...", "x.x.x.xxx.x.x.xx", "x..x......x.....", "-.......-.......", "-.......-.......", "1 1 6 5", MINOR, (39, 4, 48)),
    Style("rap|90s|hip hop", 96, "x.....xx..x.....", "....x.......x...", "x.x.x.x.x.x.x.x.", "x.....xx..x.....", "x...x...x...x...", "-.........-.....", "1 7 6 7", MINOR, (38, 0, 50)),
    Style("r&b|soul|90s", 84, "x......x..x.....", "....x.......x...", "x.xxx.xxx.xxx.xx", "x......x..x...x.", "-.....-...-.....", "-.......-.......", "2 5 1 6", MAJOR, (33, 4, 49)),
    Style("soul|oldies|60s", 108, "x.......x.x.....", "x...x...x...x...", "x.x.x.x.x.x.x.x.", "x..xx.x.x..xx.x.", "..x...x...x...x.", "-.......-.......", "1 2 4 5", MAJOR, (33, 16, 61)),
    Style("funk|soul|70s", 104, "x..x..x...x..x..", "....x..x.x..x...", "xxxxxxxxxxxxxxxx", "x..x.xx...xx.x..", ".x.xx.x..x.xx.x.", "x.....x.........", "1 1 4 1", MINOR, (36, 28, 61)),
    Style("disco|dance|70s", 118, "x...x...x...x...", "....x.......x...", "..x...x...x...x.", "x.x.x.x.x.x.x.x.", "..xx..xx..xx..xx", "-.....xxx-......", "1 6 2 5", MAJOR, (33, 28, 48)),
    Style("blues|oldies", 96, "x.....x.x.....x.", "....x.......x...", "x..xx..xx..xx..x", "x...x...x...x...", "x..x....x..x....", "...-.......-....", "1 4 1 5", MINOR, (32, 26, 65)),
    Style("jazz|swing", 140, "x.......x.......", "......x.......x.", "x...x..xx...x..x", "x...x...x...x...", "...x..x....x....", "..-....-..-.....", "2 5 1 6", MAJOR, (32, 0, 66)),
    Style("swing|jazz|oldies", 160, "x...x...x...x...", "....x.......x...", "x...x..xx...x..x", "x...x...x...x...", "x...x...x...x...", "x..x..x..-......", "1 6 2 5", MAJOR, (32, 24, 57)),
    Style("bossa nova|latin|jazz", 126, "x.....xxx.....xx", "x..x..x...x..x..", "xxxxxxxxxxxxxxxx", "x.....xxx.....xx", "x..x..x...x..x..", "-.....-...-.....", "1 2 5 1", MAJOR, (32, 24, 73)),
    Style("latin|salsa", 180, "...x..x....x..x.", "x..x..x...x.x...", "x.x.xxx.x.x.xxx.", "...x..x....x..x.", "x.xx.xx.xx.xx.x.", "x.....x...x.....", "1 4 5 4", MINOR, (32, 0, 56)),
    Style("reggae|ska", 76, "........x.......", "........x.......", "x.x.x.x.x.x.x.x.", "-..-..-....-..-.", "....x.......x...", "-.......-.......", "1 4 1 5", MAJOR, (33, 27, 57)),
    Style("ska|punk|reggae", 152, "x...x...x...x...", "....x.......x...", "x.x.x.x.x.x.x.x.", "x...x...x...x...", "..x...x...x...x.", "x..x..x.........", "1 6 4 5", MAJOR, (33, 27, 56)),
    Style("country|folk", 112, "x.......x.......", "....x.......x...", "x.x.x.x.x.x.x.x.", "x.......x.......", "..x.x.x...x.x.x.", "-...........-...", "1 4 1 5", MAJOR, (32, 25, 40)),
    Style("folk|acoustic", 100, "x.......x.......", "................", "....x.......x...", "-.......-.......", "x.xxx.xxx.xxx.xx", "-...-...-.......", "1 3 4 5", MAJOR, (32, 25, 73)),
    Style("ballad|soft rock|love", 72, "x.......x.......", "....x.......x...", "x.x.x.x.x.x.x.x.", "-.....x.-.....x.", "x.x.x.x.x.x.x.x.", "-.......-.......", "1 5 6 4", MAJOR, (33, 0, 48)),
    Style("gospel|soul", 88, "x.....x.x.......", "....x.......x...", "x..xx..xx..xx..x", "x.....x.x...x...", "-...-...-.-.-...", "-.......-.......", "4 5 3 6", MAJOR, (33, 18, 52)),
    Style("new age|instrumental|ambient", 66, "x...............", "................", "........x.......", "-...............", "x..x..x..x..x..x", "-.......-.......", "1 7 6 7", MINOR, (32, 11, 46)),
)
# fmt: on
