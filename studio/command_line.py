"""The command that does the same as a request of the page, and the name of the file that it writes."""

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from composer.edit import EditRequest
from composer.interpolate import InterpolateRequest
from composer.part import Selection
from composer.vary import VaryRequest
from model.editing.difference import FAITHFULNESS


class CommandLine:
    """Writes commands for one model."""

    def __init__(self, model: Path | None) -> None:
        self._model = ["--model", str(model)] if model else []

    def edit(self, name: str, request: EditRequest) -> tuple[str, str]:
        """Returns the command and the name of the file that it writes."""
        words = ["edit", name]
        for attribute, amount in request.attributes.items():
            words += [f"--{attribute.replace(' ', '-')}", f"{amount:+g}" if amount else "0"]
        for genre, strength in request.genres.items():
            words += ["--genre", f"{genre}={strength:g}"]
        words += [*_selected(request.selection), *_faithful(request.faithfulness)]
        return self._join(words), f"{Path(name).stem}-edited.mid"

    def vary(self, name: str, request: VaryRequest, seed: int) -> tuple[str, str]:
        """Returns the command of one variation and the name of the file that it writes."""
        words = ["vary", name, "--count", "1", "--seed", str(seed), "--radius", f"{request.radius:g}"]
        words += [*_selected(request.selection), *_faithful(request.faithfulness)]
        return self._join(words), f"{Path(name).stem}-varied-{seed}.mid"

    def interpolate(self, first: str, second: str, request: InterpolateRequest, number: int) -> tuple[str, str]:
        """Returns the command and the name of the file of a step; steps are counted from 1."""
        words = ["interpolate", first, second, "--steps", str(request.steps), *_selected(request.selection)]
        return self._join(words), f"{Path(first).stem}-to-{Path(second).stem}-{number}.mid"

    def _join(self, words: Sequence[str]) -> str:
        return shlex.join(["musae", *words, *self._model])


def _selected(selection: Selection) -> Iterator[str]:
    if selection.bars:
        yield from ("--bars", f"{selection.bars.first}-{selection.bars.last}")
    if selection.tracks:
        yield from ("--tracks", ",".join(selection.tracks))
    if selection.keep:
        yield from ("--keep", ",".join(selection.keep))
    for role, number in selection.instruments.items():
        yield from (f"--{role}-track", str(number))


def _faithful(faithfulness: float) -> Iterator[str]:
    if faithfulness != FAITHFULNESS:
        yield from ("--faithful", f"{faithfulness:g}")
