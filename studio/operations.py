"""The operations of `composer` as the page asks for them: JSON in, JSON out. It needs PyTorch.

A request is the operation's own dataclass as JSON, so that the page can ask for what Python code can.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from composer.describe import describe
from composer.edit import EditRequest, edit
from composer.editor import DEFAULT, load_editor
from composer.interpolate import InterpolateRequest, interpolate
from composer.part import Part, Selection
from composer.vary import VaryRequest, vary
from model.editing.difference import FAITHFULNESS
from music.editing.arrangement import Edit
from music.errors import InputError
from music.json_files import finite
from studio.command_line import CommandLine
from studio.drawing import draw_roles
from studio.songs import Songs

MOST = 17
"""Variations or steps of one request."""
FARTHEST = 10
"""The largest radius and faithfulness."""
REQUESTS: dict[str, TypeAdapter[Any]] = {
    "describe": TypeAdapter(Selection),
    "edit": TypeAdapter(EditRequest),
    "vary": TypeAdapter(VaryRequest),
    "interpolate": TypeAdapter(InterpolateRequest),
}

Answer = dict[str, Any]
T = TypeVar("T")


def read_request(operation: str, body: bytes) -> Any:
    """Returns the request of an operation. Raises `InputError`."""
    try:
        return REQUESTS[operation].validate_json(body or b"{}", extra="forbid")
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        message = first["msg"].removeprefix("Value error, ")
        raise InputError(f"{place}: {message}" if place else message) from error


class Operations:
    """A loaded model, and the operations on songs in memory."""

    def __init__(self, model: Path | None, songs: Songs) -> None:
        """Loads a model, by default the one that comes with the program. Raises `InputError`."""
        self._editor = load_editor(model or DEFAULT)
        self._songs = songs
        self._commands = CommandLine(model)

    def model(self) -> Answer:
        """Says what the model can do; genres are in the order of the circle."""
        editor = self._editor
        return {"name": editor.name, "bars": editor.bars, "genres": editor.genres, "faithfulness": FAITHFULNESS}

    def describe(self, song: str, selection: Selection) -> Answer:
        """Describes a song."""
        reply = describe(self._editor, self._songs.song(song), selection)
        return {"reply": _json(reply), "lines": list(reply.lines())}

    def edit(self, song: str, request: EditRequest) -> Answer:
        """Edits a song."""
        _check_range("faithfulness", request.faithfulness, 0.01)
        opened = self._songs.song(song)
        done = edit(self._editor, opened, request)
        return self._result(song, done, *self._commands.edit(opened.file.name, request))

    def vary(self, song: str, request: VaryRequest) -> list[Answer]:
        """Makes variations of a song."""
        _check_range("faithfulness", request.faithfulness, 0.01)
        _check_range("radius", request.radius, 0)
        _check_range("count", request.count, 1, MOST)
        opened = self._songs.song(song)
        done = vary(self._editor, opened, request)
        name = opened.file.name
        return [self._result(song, one, *self._commands.vary(name, request, one.reply.seed)) for one in done]

    def interpolate(self, first: str, second: str, request: InterpolateRequest) -> list[Answer]:
        """Makes the songs between two."""
        _check_range("steps", request.steps, 2, MOST)
        start, end = self._songs.song(first), self._songs.song(second)
        names = start.file.name, end.file.name
        answers = []
        for number, step in enumerate(interpolate(self._editor, start, end, request), 1):
            nearer = (first, second)[round(step.reply.place)]
            answers.append(self._result(nearer, step, *self._commands.interpolate(*names, request, number)))
        return answers

    def _result(self, base: str, done: Any, command: str, name: str) -> Answer:
        """Returns what an operation made, and keeps its file; base: the song whose notes were changed."""
        part: Part = done.part
        edited: Edit = done.edit
        return {
            "id": self._songs.add(done.data, name),
            "name": name,
            "base": base,
            "command": command,
            "lines": list(done.reply.lines()),
            "reply": _json(done.reply),
            "bars": part.bars,
            "roles": draw_roles(part.arrangement, edited.changes),
        }


def _json(reply: Any) -> object:
    return finite(asdict(reply))


def _check_range(name: str, value: float, low: float, high: float = FARTHEST) -> None:
    if not low <= value <= high:
        raise InputError(f"{name} {value:g}: give a number from {low:g} to {high:g}")
