"""A training run: updates, validation, snapshots to go on from, and the ways in which it ends."""

import math
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import FrameType
from typing import Literal

import torch
from torch import Tensor

from model.autoencoder import Autoencoder, reconstruction_loss
from model.config import TrainingConfig
from model.data import WindowSet
from model.training.snapshots import Metrics, Snapshots
from model.training.step import Optimisers
from model.training.updates import Updates
from model.training.workers import ALONE, Workers
from music.errors import InputError
from music.progress import Progress
from music.tokens import STATES

VALIDATION_WINDOWS = 1024
"""So many, at most, are looked at during training; the evaluation takes all."""
LOG_EVERY = 10
MEASURED_SECONDS = 60.0
"""After so long, or a tenth of the time that there is, the schedule is fitted to the rate measured."""
VALIDATING_SHARE = 0.25
"""Of the time left then, at most, for validations; where they take long, fewer are made than the schedule has."""
FITTED_SHARE = 0.95
"""Of what is left beside, for updates: the rest is for what comes slower."""
SNAPSHOT_SECONDS = 10.0
"""Between snapshots, at least."""
SNAPSHOT_SHARE = 0.02
"""Of a run's time that snapshots may take."""
UNMEASURED = 10**12
"""Updates of the run until they are known: so many that the schedule stands at its start."""
DIVERGED = 2
"""A loss this many times that of even odds for all states is no longer learning."""
GO_ON, STOP = 0, -1
"""What the processes agree on after an update; a number above 0 is the update at which the run ends."""

Keep = Literal["last", "best"]

Log = Callable[[int, Metrics], None]


@dataclass(frozen=True)
class StoppingCriteria:
    """When a run ends and what it keeps, beside its schedule."""

    max_minutes: float | None
    """The schedule is fitted to so much time; without it the run has all the schedule's updates."""
    patience: int | None
    """Ends after so many validations in a row without a lower loss."""
    keep: Keep
    """The weights of the last update, or of the `best` validation loss."""

    def __post_init__(self) -> None:
        if self.max_minutes is not None and self.max_minutes <= 0:
            raise ValueError("max_minutes must be more than 0, or null for no bound")
        if self.patience is not None and self.patience < 1:
            raise ValueError("patience must be at least 1, or null for no end to it")


class InterruptedRunError(InputError):
    """The run was told to stop and has left a snapshot."""


def train(
    model: Autoencoder,
    training: WindowSet,
    validation: WindowSet,
    config: TrainingConfig,
    stopping: StoppingCriteria,
    snapshots: Snapshots,
    log: Log,
    workers: Workers = ALONE,
) -> tuple[Metrics, TrainingConfig]:
    """Trains the model in place, from its last snapshot where there is one.

    Returns the validation of the weights that are kept, and the schedule as it was.

    `log(update, metrics)` is called for all that was logged before the snapshot too. Raises `InputError` for fewer
    windows than a batch and for a loss that is no number or that grows without bound, and `InterruptedRunError` after
    SIGINT or SIGTERM.
    """
    if len(training) < config.batch:
        raise InputError(
            f"{len(training)} training windows, fewer than one batch of {config.batch}; "
            "take more songs or a smaller batch"
        )
    if not len(validation):
        raise InputError("no validation windows; take more songs, or another windows.split.seed")
    if config.batch % workers.count:
        raise InputError(f"a batch of {config.batch} does not part into {workers.count} processes; change one of them")
    device = next(model.parameters()).device
    sets = training, validation.spread(VALIDATION_WINDOWS)
    training, validation = (windows.seen_by(model.config).to(device) for windows in sets)
    with _told_to_stop() as told:
        return _Run(model, training, validation, config, stopping, snapshots, log, workers, told).run()


class _Run:
    def __init__(
        self,
        model: Autoencoder,
        training: WindowSet,
        validation: WindowSet,
        config: TrainingConfig,
        stopping: StoppingCriteria,
        snapshots: Snapshots,
        log: Log,
        workers: Workers,
        told_to_stop: Callable[[], bool],
    ) -> None:
        self._model, self._validation = model, validation
        self._config, self._stopping, self._snapshots = config, stopping, snapshots
        self._log, self._workers, self._told_to_stop = log, workers, told_to_stop
        self._device = training.tokens.device
        self._optimisers = Optimisers.of(model, config)
        self._updates = Updates(model, training, config, self._optimisers, workers)
        self._position, self._best = snapshots.restore(model, self._optimisers)
        self._clock = _Clock(stopping.max_minutes, self._position.seconds)
        self._clock.validation_seconds = self._position.validation_seconds
        self._schedule = self._position.schedule or (
            config if stopping.max_minutes is None else config.stretched(UNMEASURED)
        )
        self._last = self._validations[-1][1] if self._validations else {}
        self._save_again = time.monotonic() + SNAPSHOT_SECONDS

    def run(self) -> tuple[Metrics, TrainingConfig]:
        """The validation of the weights that are kept, and the schedule."""
        for record in self._position.history if self._workers.first else ():
            self._log(*record)
        with Progress("training", self._total, "update", initial=self._position.update) as progress:
            while self._position.update < self._schedule.updates:
                losses = self._update()
                decision = self._workers.agree(self._look(losses) if self._workers.first else GO_ON, self._device)
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

    def _look(self, losses: dict[str, Tensor]) -> int:
        """Logs, validates and saves where that is due; what all processes are to do, or at which update they end."""
        done = self._position.update
        stops, fits, over = self._told_to_stop(), not self._total and self._clock.measured, self._clock.over
        validates = fits or over or done % self._schedule.evaluate_every == 0 or done == self._schedule.updates
        logs = validates or done % LOG_EVERY == 0
        if not logs and not stops:
            return GO_ON
        metrics = {name: loss.item() for name, loss in losses.items()} | {"beta": self._schedule.beta(done - 1)}
        if validates:
            metrics |= self._validate()
            self._last = metrics
        self._check(metrics)
        if logs:
            self._position.history.append((done, metrics))
            self._log(done, metrics)
        decision = GO_ON
        if over or (validates and self._has_lost_patience()):
            decision = done
        elif fits:
            decision = self._clock.fitted(done, self._config)
        if decision != GO_ON:
            self._end_at(decision)  # a snapshot is to know it
        if stops or time.monotonic() >= self._save_again:
            self._save()
        return STOP if stops else decision

    def _check(self, metrics: Metrics) -> None:
        """Raises `InputError` for what is no number, and for a loss far above that of even odds for all states."""
        worst = DIVERGED * len(self._model.config.tracks) * math.log(STATES)
        for name, value in metrics.items():
            if not math.isfinite(value) or (name.endswith("loss") and value > worst):
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
        """The run has so many updates, which are at hand or from now on those of its schedule."""
        fits = update > self._position.update
        schedule = self._config.stretched(update) if fits else replace(self._schedule, updates=update)
        if fits and self._clock.validation_seconds:
            schedule = replace(schedule, evaluate_every=-(-update // self._clock.validations(self._config)))
        self._schedule = self._position.schedule = schedule

    def _save(self) -> None:
        began = time.monotonic()
        few = self._validation.tokens[: self._config.batch // self._workers.count]
        self._check(
            {"loss": teacher_forced(self._model, few)[0].item()}
        )  # of the state that is saved, not of that before it
        self._position.seconds = self._clock.seconds
        self._snapshots.write(self._position, self._model, self._optimisers, self._best)
        ended = time.monotonic()
        self._clock.pause(ended - began)
        self._save_again = ended + max(SNAPSHOT_SECONDS, (ended - began) / SNAPSHOT_SHARE)


class _Clock:
    """The time of a run that has only so much, if it has a bound."""

    def __init__(self, minutes: float | None, spent: float) -> None:
        self._limit = math.inf if minutes is None else 60 * minutes
        self._began = time.monotonic() - spent
        self._first = self._latest = math.nan
        self._paused = 0.0
        self._updates = 0
        self.validation_seconds = 0.0

    @property
    def _left(self) -> float:
        return self._limit - self.seconds

    @property
    def seconds(self) -> float:
        """Spent by this process and those before it."""
        return time.monotonic() - self._began

    def count(self) -> None:
        """An update is done; the first is not measured: much is made ready in it."""
        self._latest = time.monotonic()
        if math.isnan(self._first):
            self._first = self._latest
            self._paused = 0.0
        else:
            self._updates += 1

    def pause(self, seconds: float) -> None:
        """So long no update was made."""
        self._paused += seconds

    @property
    def measured(self) -> bool:
        """Whether the rate is known well enough to fit a schedule to it."""
        return self._updates > 0 and self._latest - self._first > min(MEASURED_SECONDS, self._limit / 10)

    @property
    def over(self) -> bool:
        """Whether there is time for no more than a validation, and for what comes with it."""
        return self._left < 2 * self.validation_seconds + 1

    def validations(self, config: TrainingConfig) -> int:
        """As many as the schedule has, but for no more than a part of the time that is left."""
        most = int(VALIDATING_SHARE * self._left / self.validation_seconds)
        return max(min(config.updates // config.evaluate_every, most), 1)

    def fitted(self, done: int, config: TrainingConfig) -> int:
        """How many updates the run can have in all, when a validation has just been measured, after an update."""
        paused = self._paused - self.validation_seconds  # which came after the latest update
        an_update = (self._latest - self._first - paused) / self._updates
        updating = self._left - (self.validations(config) + 1) * self.validation_seconds - 1  # see `over`
        return done + max(int(FITTED_SHARE * updating / an_update), 1)


@contextmanager
def _told_to_stop() -> Iterator[Callable[[], bool]]:
    """Whether SIGINT or SIGTERM has come; a second one ends the process as ever."""
    told: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        told.append(number)
        signal.signal(number, before[number])

    before = {number: signal.signal(number, note) for number in map(int, (signal.SIGINT, signal.SIGTERM))}
    try:
        yield lambda: bool(told)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@torch.no_grad()
def validate(model: Autoencoder, windows: WindowSet, batch: int) -> Metrics:
    """Loss and accuracy of the windows' mean codes.

    An autoregressive decoder is fed the true states for its loss, and its own for its accuracy.
    """
    loss = hits = 0.0
    for tokens in torch.split(windows.tokens, batch):
        its_loss, logits, z = teacher_forced(model, tokens)
        predicted = model.tokens(z) if model.autoregressive else logits.argmax(dim=-1)
        loss += its_loss.item() * len(tokens)
        hits += (predicted == tokens).float().mean().item() * len(tokens)
    return {"validation_loss": loss / len(windows), "validation_accuracy": hits / len(windows)}


@torch.no_grad()
def teacher_forced(model: Autoencoder, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The loss of the mean codes, the logits, (batch, tracks, steps, 130), and the codes; fed the true states."""
    z = model.codes(tokens)
    logits = model.decode(z, tokens)
    return reconstruction_loss(logits, tokens), logits, z
