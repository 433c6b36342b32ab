"""What the command leaves: MIDI files, with sound and pictures beside them, and a reply on standard output."""

import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from composer.files import check_targets, write_files
from music.errors import InputError
from music.json_files import finite


@dataclass(frozen=True)
class Product:
    """A MIDI file that an operation made."""

    data: bytes
    reply: Any
    """A dataclass, whose method `lines` yields its text."""
    draw: Callable[[Path], None]
    """Draws its picture into a PNG file."""


@dataclass(frozen=True)
class Output:
    """Where results go, and in which forms."""

    targets: Sequence[Path]
    """A MIDI file for each product."""
    inputs: Sequence[Path]
    force: bool
    json: bool
    wav: bool
    png: bool

    def check(self) -> None:
        """Raises `InputError` if a file that would be written is an input, or exists and may not be replaced."""
        check_targets([path for target in self.targets for path in self._files(target)], self.inputs, self.force)

    def deliver(self, products: Sequence[Product]) -> None:
        """Writes the files of all products and prints what was done."""
        files = {}
        for target, product in zip(self.targets, products, strict=True):
            files[target] = product.data
            if self.wav:
                files[target.with_suffix(".wav")] = _sound(product.data)
            if self.png:
                files[target.with_suffix(".png")] = _picture(product)
        write_files(files)
        print_replies([product.reply for product in products], self.json, [self._files(one) for one in self.targets])

    def _files(self, target: Path) -> list[Path]:
        return [target, *([target.with_suffix(".wav")] if self.wav else []),
                *([target.with_suffix(".png")] if self.png else [])]  # fmt: skip


def print_replies(replies: Sequence[Any], as_json: bool, files: Sequence[Sequence[Path]]) -> None:
    """Prints replies as text, or as JSON: an object, or a list of objects if there are several."""
    pairs = list(zip(replies, files, strict=True))
    if as_json:
        values = [asdict(reply) | {"files": [str(path) for path in paths]} for reply, paths in pairs]
        print(json.dumps(finite(values[0] if len(values) == 1 else values), indent=1, allow_nan=False))
        return
    for reply, paths in pairs:
        print("\n".join(reply.lines()))
        for path in paths:
            print(f"wrote {path}")


def _sound(data: bytes) -> bytes:
    """Returns a MIDI file as WAV. Raises `InputError` where this machine cannot make sound."""
    from music.audio import SOUND_NEEDS, render

    sound = render(data, "WAV")
    if sound is None:
        raise InputError(f"--wav: {SOUND_NEEDS}")
    return sound


def _picture(product: Product) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.png"
        product.draw(path)
        return path.read_bytes()
