"""A training run: updates, validation, snapshots to resume from, and when it ends."""

import math
import time
from collections.abc import Callable
from dataclasses import replace

from torch import Tensor

from model.autoencoder import Autoencoder
from model.config import StoppingCriteria, TrainingConfig
from model.data import Dataset
from model.training.clock import Clock
from model.training.signals import InterruptedRunError, stop_signals
from model.training.snapshots import Metrics, Snapshots
from model.training.step import Optimisers
from model.training.updates import Updates
from model.training.validation import teacher_forced, validate
from model.training.workers import ALONE, Workers
from music.errors import InputError
from music.progress import Progress
from music.tokens import STATES

VALIDATION_WINDOWS = 1024
"""The number of windows that a validation during training takes at most; the evaluation takes all."""
LOG_EVERY = 10
"""The training losses are logged once in this many updates."""
SNAPSHOT_SECONDS = 10.0
"""The least time between snapshots."""
SNAPSHOT_SHARE = 0.02
"""The largest share of a run's time that snapshots may take."""
UNMEASURED = 10**12
"""The number of updates until it is known: so large that the schedule stays at its start."""
DIVERGED = 2
"""Training has diverged if the loss is this many times that of equal probabilities for all states."""
GO_ON, STOP = 0, -1
"""What the processes agree on after an update; a number above 0 is the update at which the run ends."""

Log = Callable[[int, Metrics], None]
"""Called with the number of updates done and what was measured then."""


class TrainingLoop:
    """One run of one model, which is trained in place and starts from the last snapshot if there is one."""

    def __init__(
        self,
        model: Autoencoder,
        windows: Dataset,
        config: TrainingConfig,
        stopping: StoppingCriteria,
        snapshots: Snapshots,
        workers: Workers = ALONE,
    ) -> None:
        """Raises `InputError` for fewer windows than a batch, or a batch that the processes cannot share evenly."""
        _check_sizes(windows, config, workers.count)
        device = next(model.parameters()).device
        self._model, self._device = model, device
        self._validation = windows.validation.evenly_spaced(VALIDATION_WINDOWS).to(device)
        self._config, self._stopping, self._snapshots, self._workers = config, stopping, snapshots, workers
        self._optimisers = Optimisers.for_model(model, config)
        self._updates = Updates(model, windows.training.to(device), config, self._optimisers, workers)
        self._position, self._best = snapshots.restore(model, self._optimisers)
        self._clock = Clock(stopping.max_minutes, self._position.seconds, self._position.validation_seconds)
        self._schedule = self._position.schedule or (
            config if stopping.max_minutes is None else config.stretched(UNMEASURED)
        )
        self._last = self._validations[-1][1] if self._validations else {}
        self._save_again = time.monotonic() + SNAPSHOT_SECONDS

    def run(self, log: Log) -> tuple[Metrics, TrainingConfig]:
        """Trains to the end. Returns the metrics of the weights that are kept, and the schedule that was followed.

        All that was logged before the snapshot is logged again. Raises `InputError` for a loss that is not finite or
        has diverged, and `InterruptedRunError` after SIGINT or SIGTERM.
        """
        for record in self._position.history if self._workers.first else ():
            log(*record)
        with (
            stop_signals() as stopped,
            Progress("training", self._total, "update", initial=self._position.update) as progress,
        ):
            while self._position.update < self._schedule.updates:
                losses = self._update()
                decision = self._after_update(losses, log, stopped()) if self._workers.first else GO_ON
                decision = self._workers.agree(decision, self._device)
                if decision == STOP:
                    raise InterruptedRunError(
                        f"stopped after update {self._position.update}; the same command goes on from there"
                    )
                if decision != GO_ON and not self._workers.first:
                    self._end_at(decision)
                progress.expect(self._total)
                progress.to(self._position.update, " ".join(f"{name}={x:.3f}" for name, x in self._last.items()))
        if self._stopping.keep == "best" and self._workers.first:
            self._model.load_state_dict(self._best)
            return dict(self._position.history)[self._best_update], self._schedule
        return self._last, self._schedule

    @property
    def _total(self) -> int | None:
        """The run's number of updates, once it is known."""
        return None if self._schedule.updates == UNMEASURED else self._schedule.updates

    @property
    def _validations(self) -> list[tuple[int, Metrics]]:
        return [(update, metrics) for update, metrics in self._position.history if "validation_loss" in metrics]

    @property
    def _best_update(self) -> int:
        return min(self._validations, key=lambda validation: validation[1]["validation_loss"])[0]

    def _update(self) -> dict[str, Tensor]:
        losses = self._updates.make(self._position.update, self._schedule)
        self._position.update += 1
        self._clock.count()
        return losses

    def _after_update(self, losses: dict[str, Tensor], log: Log, stopped: bool) -> int:
        """Logs, validates and saves when that is due. Returns `GO_ON`, `STOP`, or the update at which the run ends."""
        done = self._position.update
        over, ends = self._clock.over, done == self._schedule.updates
        validates = over or ends or done % self._schedule.evaluate_every == 0
        # The speed of updates may change, so the schedule is fitted to the time left again at each validation.
        fits = self._clock.measured and not ends and (validates or not self._total)
        validates |= fits
        logs = validates or done % LOG_EVERY == 0
        if not logs and not stopped:
            return GO_ON
        metrics = {name: loss.item() for name, loss in losses.items()} | {"beta": self._schedule.beta(done - 1)}
        if validates:
            metrics |= self._validate()
            self._last = metrics
        self._check(metrics)
        if logs:
            self._position.history.append((done, metrics))
            log(done, metrics)
        decision = GO_ON
        if over or (validates and self._has_lost_patience()):
            decision = done
        elif fits:
            decision = self._clock.fitted(done, self._config)
        if decision != GO_ON:
            self._end_at(decision)  # before the snapshot, which keeps the schedule
        if stopped or time.monotonic() >= self._save_again:
            self._save()
        return STOP if stopped else decision

    def _check(self, metrics: Metrics) -> None:
        """Raises `InputError` for a metric that is not finite, or a loss that has diverged."""
        highest_loss = DIVERGED * len(self._model.config.tracks) * math.log(STATES)
        for name, value in metrics.items():
            if not math.isfinite(value) or (name.endswith("loss") and value > highest_loss):
                raise InputError(
                    f"{name} is {value:.3g} after update {self._position.update}; lower the learning rate "
                    f"(last sound state: {self._snapshots.last})"
                )

    def _validate(self) -> Metrics:
        began = time.monotonic()
        metrics = validate(self._model, self._validation, self._config.batch // self._workers.count)
        lowest = min((earlier["validation_loss"] for _, earlier in self._validations), default=math.inf)
        if self._stopping.keep == "best" and metrics["validation_loss"] < lowest:
            self._best = {name: weight.detach().clone() for name, weight in self._model.state_dict().items()}
        self._position.validation_seconds = self._clock.validation_seconds = time.monotonic() - began
        self._clock.pause(self._clock.validation_seconds)
        return metrics

    def _has_lost_patience(self) -> bool:
        since = sum(update > self._best_update for update, _ in self._validations)
        return self._stopping.patience is not None and since >= self._stopping.patience

    def _end_at(self, update: int) -> None:
        """Makes this the run's last update: stretches the schedule to a later one, or ends it at the one just done."""
        fits = update > self._position.update
        schedule = self._config.stretched(update)
        if not fits:
            schedule = replace(self._schedule, updates=update, flow_updates=schedule.flow_updates)
        if fits and self._clock.validation_seconds:
            schedule = replace(schedule, evaluate_every=-(-update // self._clock.validations(self._config)))
        self._schedule = self._position.schedule = schedule

    def _save(self) -> None:
        """Writes a snapshot, unless the weights that it would hold have diverged."""
        began = time.monotonic()
        tokens = self._validation.tokens[: self._config.batch // self._workers.count]
        self._check({"loss": teacher_forced(self._model, tokens)[0].item()})
        self._position.seconds = self._clock.seconds
        self._snapshots.write(self._position, self._model, self._optimisers, self._best)
        ended = time.monotonic()
        self._clock.pause(ended - began)
        self._save_again = ended + max(SNAPSHOT_SECONDS, (ended - began) / SNAPSHOT_SHARE)


def _check_sizes(windows: Dataset, config: TrainingConfig, processes: int) -> None:
    batch = config.batch
    if len(windows.training) < batch:
        raise InputError(
            f"{len(windows.training)} training windows, fewer than one batch of {batch}; "
            "take more songs, or a recipe with a smaller batch (recipes.toml)"
        )
    if not len(windows.validation):
        raise InputError("no validation windows; take more songs, or another windows.split.seed")
    if batch % processes:
        raise InputError(f"a batch of {batch} cannot be shared evenly by {processes} processes; change one of them")
    if config.denoising_weight and processes > 1 and batch // processes % 2:
        raise InputError(
            f"a batch of {batch} gives each of {processes} processes an odd number of windows, of which denoising "
            "cannot take every other one; change one of them"
        )
