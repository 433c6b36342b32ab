"""Beam's local workers as processes that are forked from one that has imported everything, so that they start at once.

Each of Beam's own workers starts a Python interpreter, which takes longer than a small pipeline runs.
"""

import logging
import sys
import threading
import warnings
from collections.abc import Mapping
from multiprocessing import forkserver, get_context
from typing import Any

from apache_beam.portability.api import endpoints_pb2
from apache_beam.runners.portability.fn_api_runner.worker_handlers import GrpcWorkerHandler, WorkerHandler
from apache_beam.runners.worker import sdk_worker_main
from apache_beam.transforms.environments import Environment, python_sdk_capabilities
from google.protobuf import json_format, text_format

URN = "musae:env:forked:v1"

_context = get_context("forkserver")
# Workers import the stage's module early, which saves time, and run it again under another name, of which runpy warns.
warnings.filterwarnings("ignore", ".*found in sys.modules after import of package", RuntimeWarning)


class ForkedEnvironment(Environment):  # type: ignore[misc]
    """Makes FnApiRunner use forked workers."""

    def __init__(self) -> None:
        super().__init__(python_sdk_capabilities(), (), None)
        main = sys.modules["__main__"].__spec__
        _context.set_forkserver_preload([__name__, *([main.name] if main else [])])
        forkserver.ensure_running()  # it imports while the pipeline is built

    def to_runner_api_parameter(self, context: object) -> tuple[str, bytes]:
        return URN, b""


@Environment.register_urn(URN, bytes)  # type: ignore[untyped-decorator]
def _from_runner_api(*parameters: object) -> ForkedEnvironment:
    return ForkedEnvironment()


@WorkerHandler.register_environment(URN, bytes)
class _ForkedWorkerHandler(GrpcWorkerHandler):  # type: ignore[misc]
    def __init__(self, payload: bytes, *arguments: Any) -> None:
        super().__init__(*arguments)

    def start_worker(self) -> None:
        environment = {
            "CONTROL_API_SERVICE_DESCRIPTOR": text_format.MessageToString(
                endpoints_pb2.ApiServiceDescriptor(url=self.control_address)
            ),
            "PIPELINE_OPTIONS": json_format.MessageToJson(self.provision_info.provision_info.pipeline_options),
            "WORKER_ID": self.worker_id,
        }
        self._process = _context.Process(target=_work, args=(environment,))
        self._process.start()
        self._watch = threading.Thread(target=self._fail_with_worker)
        self._watch.start()

    def _fail_with_worker(self) -> None:
        """Ends the run if the worker dies; Beam itself would wait for it forever."""
        self._process.join()
        if self._process.exitcode:
            self.control_conn.abort(RuntimeError(f"a worker process ended with exit code {self._process.exitcode}"))

    def stop_worker(self) -> None:
        self._watch.join()


def _work(environment: Mapping[str, str]) -> None:
    logging.basicConfig(handlers=[logging.NullHandler()], force=True)  # hides starts and stops; errors are raised
    _, harness, _ = sdk_worker_main.create_harness(environment)
    harness.run()
