"""The command `musae` with `musae studio`, which serves the page."""

import socket
import sys
import threading
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from composer.command import Model, app, main
from music.errors import InputError

__all__ = ["main"]

HOST = "127.0.0.1"
PORT = 8765

SoundFont = Annotated[Path | None, typer.Option(help="A sound font (SF2, SF3 or DLS); by default pretty_midi's.")]
Port = Annotated[int, typer.Option(min=1, max=65535, help="The port of the page.")]
OpenBrowser = Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")]


@app.command()
def studio(model: Model = None, soundfont: SoundFont = None, port: Port = PORT, browser: OpenBrowser = True) -> None:
    """Open a page on this machine to hear and see changes of songs; Ctrl-C ends it.

    Example: musae studio --soundfont ~/FluidR3.sf3
    """
    if soundfont is not None and not soundfont.is_file():
        raise InputError(f"{soundfont}: no such file; give a sound font (SF2, SF3 or DLS)")
    with _listen(port) as listener:
        url = f"http://{HOST}:{port}"
        print(f"MusAE studio: {url} (Ctrl-C ends it)", flush=True)
        if browser:
            threading.Timer(0.5, webbrowser.open, [url]).start()
        import uvicorn

        from studio.app import make_app

        config = uvicorn.Config(make_app(port, model, soundfont), log_level="warning", access_log=False)
        uvicorn.Server(config).run([listener])


def _listen(port: int) -> socket.socket:
    """Returns a socket on the loopback address. Raises `InputError` if the port is taken."""
    listener = socket.socket()
    if sys.platform != "win32":  # there it would share a port that is taken
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen()  # from now on the browser waits for the server
    except OSError as error:
        listener.close()
        raise InputError(f"port {port} cannot be used ({error.strerror}); give another --port") from error
    return listener
