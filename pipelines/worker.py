"""Beam's local worker process, without its messages of every start and stop."""

import logging
import sys

if __name__ == "__main__":
    quiet = logging.StreamHandler()
    quiet.setLevel(logging.ERROR)
    logging.getLogger().addHandler(quiet)  # before Beam's own, which would show everything

    from apache_beam.runners.worker import sdk_worker_main

    sdk_worker_main.main(sys.argv)
