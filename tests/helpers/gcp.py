"""Stand-ins for Google Cloud on this machine: Cloud Storage, and a Dataflow that runs the jobs it is sent."""

import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.transforms.environments import EmbeddedPythonEnvironment
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from gcp_storage_emulator.server import create_server

PROJECT, REGION, BUCKET = "musae-test", "europe-west1", "gs://musae-test"
_JOBS = re.compile(rf"/v1b3/projects/{PROJECT}/locations/{REGION}/jobs(/\w+)?(?P<more>/\w+)?(\?.*)?")


@contextmanager
def cloud(folder: Path) -> Iterator["Dataflow"]:
    """Starts both stand-ins, and sets the environment so that it leads to them; `folder` gets a service account."""
    with pytest.MonkeyPatch.context() as patch, _storage() as address, Dataflow() as dataflow:
        dataflow.credentials(folder / "account.json")
        patch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(folder / "account.json"))
        patch.setenv("STORAGE_EMULATOR_HOST", address)
        yield dataflow


@contextmanager
def _storage() -> Iterator[str]:
    """Starts Cloud Storage in memory, with an empty bucket; gives its address."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    with create_server("localhost", port, in_memory=True, default_bucket=BUCKET.removeprefix("gs://")):
        yield f"http://localhost:{port}"


def pipeline_of(job: dict[str, Any]) -> beam_runner_api_pb2.Pipeline:
    """Returns the pipeline that a job was submitted with, as it was staged."""
    with FileSystems.open(job["environment"]["sdkPipelineOptions"]["options"]["pipelineUrl"]) as file:
        return beam_runner_api_pb2.Pipeline.FromString(file.read())


class Dataflow:
    """A context manager that keeps each job it is sent, runs its pipeline in this process, and reports the end."""

    def __init__(self) -> None:
        self.jobs: list[dict[str, Any]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://localhost:{self._server.server_port}"

    def credentials(self, path: Path) -> None:
        """Writes a service account whose tokens come from this server."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        account = {
            "type": "service_account",
            "project_id": PROJECT,
            "private_key": key.decode(),
            "client_email": f"worker@{PROJECT}",
            "token_uri": f"{self.url}/token",
        }
        path.write_text(json.dumps(account))

    def _run(self, job: dict[str, Any]) -> None:
        self.jobs.append(job)
        pipeline = pipeline_of(job)
        for environment in pipeline.components.environments.values():
            environment.CopyFrom(EmbeddedPythonEnvironment.default().to_runner_api(None))
        try:
            FnApiRunner().run_via_runner_api(pipeline, PipelineOptions([])).wait_until_finish()
            job["currentState"] = "JOB_STATE_DONE"
        except Exception:  # whatever a job may raise
            job["currentState"] = "JOB_STATE_FAILED"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path == "/token":
                    self.answer({"access_token": "token", "expires_in": 3600, "token_type": "Bearer"})
                else:
                    service._run(json.loads(body))
                    self.do_GET()

            def do_GET(self) -> None:
                asked = _JOBS.fullmatch(self.path)
                if not asked:
                    self.send_error(404)
                elif asked["more"]:
                    self.answer({})
                else:
                    job = service.jobs[-1]
                    self.answer({"id": "job", "name": job["name"], "currentState": job["currentState"]})

            def answer(self, body: dict[str, object]) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    def __enter__(self) -> "Dataflow":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
