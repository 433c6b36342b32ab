"""The time that a run has used and has left, and how many updates fit into it."""

import math
import time

from model.config import TrainingConfig

MEASURED_SECONDS = 60.0
"""Time after which the schedule is fitted to the rate measured; a tenth of the run's time if that is less."""
VALIDATING_SHARE = 0.25
"""The largest share of the remaining time for validations; there are fewer if the schedule's would take longer."""
FITTED_SHARE = 0.95
"""The share of the remaining time that is planned for updates: the rest is for updates that take longer."""


class Clock:
    """The time of a run, which may have a limit."""

    def __init__(self, minutes: float | None, spent: float, validation_seconds: float) -> None:
        """Starts the clock.

        minutes: the limit, if there is one; spent: seconds that earlier processes of this run took;
        validation_seconds: seconds that the last validation took.
        """
        self._limit = math.inf if minutes is None else 60 * minutes
        self._began = time.monotonic() - spent
        self._first = self._latest = math.nan
        self._paused = 0.0
        self._updates = 0
        self.validation_seconds = validation_seconds

    @property
    def seconds(self) -> float:
        """Seconds that this process and those before it have taken."""
        return time.monotonic() - self._began

    @property
    def _left(self) -> float:
        return self._limit - self.seconds

    def count(self) -> None:
        """Records that an update is done; the first is not measured, because much is prepared in it."""
        self._latest = time.monotonic()
        if math.isnan(self._first):
            self._first = self._latest
            self._paused = 0.0
        else:
            self._updates += 1

    def pause(self, seconds: float) -> None:
        """Records a time in which no update was made."""
        self._paused += seconds

    @property
    def measured(self) -> bool:
        """Whether there is a limit, and the rate is known well enough to fit a schedule to it."""
        measures = self._updates > 0 and self._latest - self._first > min(MEASURED_SECONDS, self._limit / 10)
        return measures and math.isfinite(self._limit)

    @property
    def over(self) -> bool:
        """Whether the time left is only enough for a last validation and for saving."""
        return self._left < 2 * self.validation_seconds + 1

    def validations(self, config: TrainingConfig) -> int:
        """Returns the number of validations: the schedule's, or as many as fit into their share of the time left."""
        most = int(VALIDATING_SHARE * self._left / self.validation_seconds)
        return max(min(config.updates // config.evaluate_every, most), 1)

    def fitted(self, done: int, config: TrainingConfig) -> int:
        """Returns how many updates the run can make in all, at the rate since the last call.

        done: the updates made so far, just followed by a validation.
        """
        paused = self._paused - self.validation_seconds  # that validation came after the latest update
        seconds_per_update = (self._latest - self._first - paused) / self._updates
        updating = self._left - (self.validations(config) + 1) * self.validation_seconds - 1  # see `over`
        self._first, self._paused, self._updates = time.monotonic(), 0.0, 0
        return done + max(int(FITTED_SHARE * updating / seconds_per_update), 1)
