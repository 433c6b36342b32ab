"""The server of the page: its files, songs, and the operations on them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from music.errors import InputError
from studio import reading
from studio.drawing import draw_song
from studio.guard import Guard
from studio.songs import LARGEST_UPLOAD, Songs, UnknownSongError, plain_name
from studio.turns import SupersededError, Turns

if TYPE_CHECKING:
    from studio.operations import Operations

PAGE = Path(__file__).with_name("page")
MIDI = "audio/midi"

T = TypeVar("T")


def make_app(port: int, model: Path | None = None, soundfont: Path | None = None) -> Starlette:
    """Returns the server for this port. The model is loaded while it already answers."""
    server = Server(model, soundfont)
    return Starlette(
        routes=server.routes(),
        middleware=[Middleware(Guard, port=port)],
        exception_handlers={
            InputError: _refuse(422),
            UnknownSongError: _refuse(404),
            SupersededError: _refuse(409, "a newer request came before this one"),
        },
        lifespan=server.load,
        max_body_size=LARGEST_UPLOAD,
    )


def _refuse(status: int, text: str | None = None) -> Callable[[Request, Exception], Response]:
    """Returns what answers an error with one sentence: the text, by default the error's own."""
    return lambda request, error: JSONResponse({"error": text or str(error)}, status_code=status)


class Server:
    """The endpoints, and the songs and the model in memory."""

    def __init__(self, model: Path | None, soundfont: Path | None) -> None:
        self._model, self._soundfont = model, soundfont
        self._songs, self._turns = Songs(), Turns()
        self._loading: asyncio.Task[Operations]

    def routes(self) -> list[Route | Mount]:
        """Returns the endpoints; `openapi` describes those under /api."""
        return [
            Route("/", lambda request: FileResponse(PAGE / "index.html")),
            Mount("/page", StaticFiles(directory=PAGE)),
            Route("/soundfont", self.soundfont),
            Route("/api/openapi.json", self.openapi),
            Route("/api/model", self.model),
            Route("/api/songs", self.upload, methods=["POST"]),
            Route("/api/songs/{song}", self.midi),
            Route("/api/songs/{song}/wav", self.wav),
            Route("/api/songs/{song}/describe", self.describe, methods=["POST"]),
            Route("/api/songs/{song}/edit", partial(self.change, "edit"), methods=["POST"]),
            Route("/api/songs/{song}/vary", partial(self.change, "vary"), methods=["POST"]),
            Route("/api/songs/{song}/interpolate/{second}", partial(self.change, "interpolate"), methods=["POST"]),
        ]

    @asynccontextmanager
    async def load(self, app: Starlette) -> AsyncIterator[None]:
        """Starts to load the model; what needs it waits."""
        self._loading = asyncio.create_task(asyncio.to_thread(self._load))
        yield
        self._loading.cancel()

    def _load(self) -> "Operations":
        from studio.operations import Operations

        return Operations(self._model, self._songs)

    async def _operations(self) -> "Operations":
        return await asyncio.shield(self._loading)

    async def soundfont(self, request: Request) -> Response:
        """The sound font that the page plays with."""
        return FileResponse(await run_in_threadpool(_default_soundfont) if self._soundfont is None else self._soundfont)

    async def openapi(self, request: Request) -> Response:
        """The description of this interface."""
        await self._operations()
        from studio.openapi import describe_interface

        return JSONResponse(describe_interface())

    async def model(self, request: Request) -> Response:
        """What the model can do, as soon as it is loaded."""
        return JSONResponse((await self._operations()).model())

    async def upload(self, request: Request) -> Response:
        """Takes a MIDI file, and returns its id and what the page draws."""
        name, data = plain_name(request.query_params.get("name", "")), await request.body()
        await run_in_threadpool(reading.check, data, name)
        return JSONResponse(await self._turns.run_aside(lambda: self._open(data, name)))

    def _open(self, data: bytes, name: str) -> dict[str, Any]:
        key = self._songs.add(data, name)
        return {"id": key, "name": name} | draw_song(self._songs.song(key))

    async def midi(self, request: Request) -> Response:
        """A MIDI file in memory."""
        _, data = await self._turns.run_aside(lambda: self._songs.file(request.path_params["song"]))
        return Response(data, media_type=MIDI)

    async def wav(self, request: Request) -> Response:
        """The sound of a MIDI file in memory, as `musae --wav` makes it."""
        _, data = await self._turns.run_aside(lambda: self._songs.file(request.path_params["song"]))
        return Response(await run_in_threadpool(_render, data), media_type="audio/wav")

    async def describe(self, request: Request) -> Response:
        """What a song is to the model."""
        operations = await self._operations()
        from studio.operations import read_request

        selection = read_request("describe", await request.body())
        return JSONResponse(
            await self._turns.run_aside(lambda: operations.describe(request.path_params["song"], selection))
        )

    async def change(self, operation: str, request: Request) -> Response:
        """Edits, varies or interpolates songs; a newer request takes the place of one that waits."""
        operations = await self._operations()
        from studio.operations import read_request

        asked = read_request(operation, await request.body())
        call = partial(getattr(operations, operation), *request.path_params.values(), asked)
        return JSONResponse(await self._turns.run(call))


def _default_soundfont() -> Path:
    from music.audio import SOUND_FONT

    return SOUND_FONT


def _render(data: bytes) -> bytes:
    from music.audio import SOUND_NEEDS, render

    sound = render(data, "WAV")
    if sound is None:
        raise InputError(SOUND_NEEDS)
    return sound
