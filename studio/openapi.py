"""The description of the server's interface, for programs that ask it instead of the page."""

from typing import Any

from studio.operations import REQUESTS

REF = "#/components/schemas/{model}"
SONG = {"name": "song", "in": "path", "required": True, "schema": {"type": "string"}, "description": "A song's id."}
SECOND = SONG | {"name": "second"}
NAME = {"name": "name", "in": "query", "schema": {"type": "string"}, "description": "The file's name."}
MIDI_FILE = {"audio/midi": {"schema": {"type": "string", "format": "binary"}}}


def describe_interface() -> dict[str, Any]:
    """Returns an OpenAPI document."""
    schemas: dict[str, Any] = {}
    requests = {}
    for operation, adapter in REQUESTS.items():
        schema = adapter.json_schema(ref_template=REF)
        schemas |= schema.pop("$defs", {}) | {schema["title"]: schema}
        requests[operation] = {"application/json": {"schema": {"$ref": REF.format(model=schema["title"])}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "MusAE studio", "version": "1", "description": "Edits MIDI songs with a trained model."},
        "paths": {
            "/api/openapi.json": {"get": _operation("This description.")},
            "/api/model": {"get": _operation("What the model can do, as soon as it is loaded.")},
            "/api/songs": {"post": _operation("Opens a MIDI file and returns its id.", [NAME], MIDI_FILE)},
            "/api/songs/{song}": {"get": _operation("The MIDI file of a song.", [SONG])},
            "/api/songs/{song}/wav": {"get": _operation("The sound of a song, as WAV.", [SONG])},
            **{
                f"/api/songs/{{song}}/{name}": {"post": _operation(text, [SONG], requests[name])}
                for name, text in (
                    ("describe", "Says what a song is to the model."),
                    ("edit", "Changes attributes of a song, or moves it toward genres."),
                    ("vary", "Makes variations of a song."),
                )
            },
            "/api/songs/{song}/interpolate/{second}": {
                "post": _operation("Makes the songs between two.", [SONG, SECOND], requests["interpolate"])
            },
        },
        "components": {"schemas": schemas},
    }


def _operation(summary: str, parameters: list[dict[str, Any]] | None = None, body: Any = None) -> dict[str, Any]:
    answers = {
        "200": {"description": "Done."},
        "422": {"description": "What cannot be done, and why, in `error`."},
    }
    described: dict[str, Any] = {"summary": summary, "parameters": parameters or [], "responses": answers}
    return described | ({"requestBody": {"required": True, "content": body}} if body else {})
