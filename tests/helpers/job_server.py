"""Beam's own job server, but with two workers a job; as a process: python -m tests.helpers.job_server PORT."""

import sys
import threading

from apache_beam.portability.api import beam_job_api_pb2
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.runners.portability.local_job_service import BeamJob, LocalJobServicer


class TwoWorkers(BeamJob):
    """A job whose bundles are divided between two workers; the server has no option for that."""

    def _invoke_runner(self):
        self.set_state(beam_job_api_pb2.JobState.RUNNING)
        runner = FnApiRunner(provision_info=self._provision_info)
        runner._num_workers = 2
        return runner.run_via_runner_api(self._pipeline_proto, self.pipeline_options())


if __name__ == "__main__":
    LocalJobServicer(beam_job_type=TwoWorkers).start_grpc_server(int(sys.argv[1]))
    threading.Event().wait()
