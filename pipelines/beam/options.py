"""The options of Beam in beam.yaml, checked: Beam ignores those that it does not know, and waits long for a server."""

import argparse
import difflib
import io
from collections.abc import Sequence
from contextlib import redirect_stderr, suppress

import grpc
from apache_beam.options.pipeline_options import PipelineOptions, PortableOptions
from apache_beam.portability.api import beam_job_api_pb2, beam_job_api_pb2_grpc

from music.errors import InputError

SECONDS_TO_ANSWER = 10
"""The time that a job server has to answer, unless the option job_server_timeout gives it less."""


def read_options(own: Sequence[str], given: Sequence[str], portable: bool) -> PipelineOptions:
    """Returns Beam's options: our own, and those given in beam.yaml, which may override them.

    portable: whether a job server runs the pipeline, which may have further options. Raises `InputError` for an option
    given that is unknown or has a value that it does not take, and `ConnectionError` if the job server does not answer.
    """
    usage = io.StringIO()
    parsers: list[argparse.ArgumentParser] = []
    try:
        with redirect_stderr(usage):
            options = PipelineOptions([*own, *given])
            options.get_all_options(add_extra_args_fn=parsers.append)
    except SystemExit as error:
        _, _, reason = usage.getvalue().strip().rpartition("error: ")
        raise InputError(f"beam.yaml: options: {reason}") from error
    (parser,) = parsers
    for option in _options_of_job_server(options) if portable else ():
        with suppress(argparse.ArgumentError):  # Beam has it too
            parser.add_argument(f"--{option}", nargs="?")
    _check_known(parser, given)
    return options


def _check_known(parser: argparse.ArgumentParser, given: Sequence[str]) -> None:
    known, unknown = parser.parse_known_args(given)
    if unknown:
        name, _, _ = unknown[0].partition("=")
        meant = difflib.get_close_matches(name.lstrip("-"), vars(known), 1, cutoff=0.8)
        hint = f"did you mean --{meant[0]}?" if meant else "the runner would ignore it"
        raise InputError(f"beam.yaml: options: {name}: no such option; {hint}")


def _options_of_job_server(options: PipelineOptions) -> list[str]:
    """Returns the names of the job server's own options. Raises `ConnectionError` if it does not answer."""
    portable = options.view_as(PortableOptions)
    endpoint, seconds = portable.job_endpoint, min(portable.job_server_timeout, SECONDS_TO_ANSWER)
    if not endpoint:
        raise InputError("beam.yaml: options: PortableRunner needs --job_endpoint, for example localhost:8099")
    with grpc.insecure_channel(endpoint) as channel:
        try:
            grpc.channel_ready_future(channel).result(timeout=seconds)
            service = beam_job_api_pb2_grpc.JobServiceStub(channel)
            answer = service.DescribePipelineOptions(beam_job_api_pb2.DescribePipelineOptionsRequest(), timeout=seconds)
        except (grpc.FutureTimeoutError, grpc.RpcError) as error:
            raise ConnectionError(f"no job server of Beam answers at --job_endpoint={endpoint}") from error
    return [option.name for option in answer.options]
