import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from glob import glob
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from model.autoencoder import Autoencoder
from model.checkpoint import load
from model.data import Dataset
from model.training import clock, loop, snapshots
from model.training.first_weights import untrained
from model.training.loop import InterruptedRunError, TrainingLoop
from model.training.snapshots import Position, Snapshots
from model.training.step import Optimisers, TrainingStep
from model.training.updates import Updates
from model.training.workers import Workers
from music.errors import InputError
from tests.helpers.models import BRIEF, SMALL, TO_THE_END, make_windows, seen_by, write_window_shards

ROOT = Path(__file__).parents[2]
KINDS = {
    "MusAE": SMALL,
    "MusAE, recurrent": replace(SMALL, network="recurrent"),
    "MusAE, gaussian": replace(SMALL, prior="gaussian"),
    "MusicVAE flat": replace(SMALL, network="flat", prior="gaussian", regulariser="kl"),
    "MusicVAE hierarchical": replace(SMALL, network="hierarchical", prior="gaussian", regulariser="kl"),
    "drums alone, nothing on the codes": replace(SMALL, tracks=("drums",), regulariser="none"),
}
SAMPLED = replace(BRIEF, sampling_rate=5.0)


@pytest.fixture
def windows():
    return make_windows()


def trained(folder, windows, config=BRIEF, model=SMALL, stopping=TO_THE_END, validation=None, device="cpu"):
    torch.manual_seed(0)
    autoencoder = untrained(model).to(device)
    history = []
    dataset = Dataset(*(seen_by(split, model) for split in (windows, windows if validation is None else validation)))
    run = TrainingLoop(autoencoder, dataset, config, stopping, Snapshots(folder))
    metrics, schedule = run.run(lambda update, values: history.append((update, values)))
    return autoencoder, metrics, history, schedule


def same(first_model: Autoencoder, second_model: Autoencoder) -> bool:
    first, second = first_model.state_dict(), second_model.state_dict()
    return all(torch.equal(first[name], second[name]) for name in first)


def test_beta_grows_by_tenths_up_to_one():
    schedule = replace(BRIEF, beta_every=100)
    assert [schedule.beta(update) for update in (0, 99, 100, 950, 1000, 5000)] == [0, 0, 0.1, 0.9, 1, 1]


def test_a_stretched_schedule_is_the_same_at_the_same_share_of_its_updates():
    paper = replace(
        BRIEF, updates=100_000, beta_every=10_000, decay=1e-4, evaluate_every=1000, sampling_rate=2000.0,
        flow_updates=2000,
    )  # fmt: skip
    short = paper.stretched(5000)
    assert (short.updates, short.beta_every, short.evaluate_every, short.flow_updates) == (5000, 500, 50, 100)
    for share in (0.0, 0.25, 0.9):
        assert short.beta(round(5000 * share)) == paper.beta(round(100_000 * share))
        assert short.sampling_chance(round(5000 * share)) == pytest.approx(
            paper.sampling_chance(round(100_000 * share))
        )
        assert short.rate(round(5000 * share)) == pytest.approx(paper.rate(round(100_000 * share)))
    assert paper.rate(10_000) == pytest.approx(paper.learning_rate / math.e, rel=1e-3)


def test_the_learning_rate_rises_in_the_warm_up_and_falls_in_the_cool_down():
    schedule = replace(BRIEF, updates=100, learning_rate=1.0, decay=0.0, warm_up=4, cool_down=0.2)
    rates = [schedule.rate(update) for update in range(100)]
    assert rates[:5] == [0.25, 0.5, 0.75, 1, 1]
    assert rates[79:83] == pytest.approx([1, 1, 0.95, 0.9])
    assert rates[-1] == pytest.approx(0.05)
    falling = replace(schedule, warm_up=0, cool_down=1.0)
    assert [falling.rate(update) for update in (0, 50, 99)] == pytest.approx([1, 0.5, 0.01])


def test_a_warm_up_shrinks_with_its_schedule_but_does_not_grow():
    schedule = replace(BRIEF, updates=1000, warm_up=100)
    assert [schedule.stretched(updates).warm_up for updates in (50, 500, 1000, 10_000)] == [5, 50, 100, 100]


def test_the_chance_of_own_states_is_an_inverse_sigmoid():
    schedule = replace(BRIEF, sampling_rate=1000.0)
    assert schedule.sampling_chance(0) == pytest.approx(1 / 1001)
    assert schedule.sampling_chance(1000) == pytest.approx(1 - 1000 / (1000 + math.e))
    assert schedule.sampling_chance(6908) == pytest.approx(0.5, abs=1e-4)  # 1000 ln 1000 = 6907.76
    assert schedule.sampling_chance(10**9) == 1
    assert BRIEF.sampling_chance(10**9) == 0


def test_clipped_gradients_point_the_same_way_and_are_no_longer_than_the_bound(windows):
    gradients = {}
    for clip in (0.0, 0.05, 1e9):
        torch.manual_seed(0)
        model, config = untrained(SMALL), replace(BRIEF, clip=clip)
        generator = torch.Generator().manual_seed(0)
        step = TrainingStep(model, Optimisers.for_model(model, config), config, generator)
        step.make(windows.tokens, windows.genres, 0.0, 0.0)
        learnt = (*model.encoder.parameters(), *model.decoder.parameters())
        gradients[clip] = torch.cat([weight.grad.flatten() for weight in learnt])
    assert torch.equal(gradients[0.0], gradients[1e9])
    assert gradients[0.0].norm() > 0.1
    assert gradients[0.05].norm().item() == pytest.approx(0.05, rel=1e-4)
    assert torch.cosine_similarity(gradients[0.05], gradients[0.0], dim=0).item() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_training_is_the_same_for_the_same_seed(windows, tmp_path, kind):
    first, second = (trained(tmp_path, windows, model=KINDS[kind])[0] for _ in range(2))
    assert same(first, second)
    assert not same(first, trained(tmp_path, windows, replace(BRIEF, seed=1), KINDS[kind])[0])


def test_training_moves_encoder_decoders_and_critic(windows, tmp_path):
    torch.manual_seed(0)
    before = untrained(SMALL).state_dict()
    after = trained(tmp_path, windows)[0].state_dict()
    still = [name for name in before if torch.equal(before[name], after[name])]
    assert still == ["critic.layers.3.bias"]  # a constant in every score cancels


@pytest.mark.parametrize("kind", KINDS)
def test_training_learns_a_few_windows_by_heart(windows, tmp_path, kind):
    few = windows.take(torch.arange(4))
    config = replace(BRIEF, updates=150, beta_every=1000, learning_rate=0.02, decay=0.0)
    assert trained(tmp_path, few, config, KINDS[kind])[1]["validation_accuracy"] > 0.5  # chance is below 0.01


def test_the_kl_pulls_the_codes_to_the_prior(windows, tmp_path):
    config = replace(BRIEF, updates=200, beta_every=1, kl_weight=50.0, free_bits=0.0, learning_rate=0.02)
    model = trained(tmp_path, windows, config, KINDS["MusicVAE flat"])[0]
    mean, log_variance = model.encode(windows.tokens)
    assert mean.abs().max() < 0.2
    assert log_variance.abs().max() < 0.2


def test_the_critic_sees_the_genre_unless_the_regulariser_is_without_it():
    sees, blind = (untrained(replace(SMALL, regulariser=name)).critic for name in ("wgan_gp", "wgan_gp_without_genre"))
    z, genre = torch.zeros(2, 8), torch.tensor([0, 1])
    assert sees(z, genre)[0] != sees(z, genre)[1]
    assert blind(z, genre)[0] == blind(z, genre)[1]
    assert untrained(replace(SMALL, regulariser="none")).critic is None


@pytest.mark.parametrize(("regulariser", "pulled"), [("none", False), ("wgan_gp", True)])
def test_without_a_regulariser_the_moments_do_not_pull_the_codes_either(windows, tmp_path, regulariser, pulled):
    config = replace(BRIEF, moments_weight=0.5)
    _, metrics, _, _ = trained(tmp_path, windows, config, replace(SMALL, regulariser=regulariser))
    assert ("moments" in metrics) == pulled


def test_denoising_needs_another_window_in_the_batch():
    with pytest.raises(ValueError, match="denoising_weight must be 0 for batches of one window"):
        replace(BRIEF, batch=1, denoising_weight=0.3)


@pytest.mark.parametrize(
    ("batch", "message"),
    [(5, "a batch of 5 cannot be shared evenly by 2 processes"), (6, "a batch of 6 gives each of 2 processes an odd")],
)
def test_processes_share_a_batch_and_its_pairs(windows, tmp_path, batch, message):
    config = replace(BRIEF, batch=batch, denoising_weight=0.3)
    with pytest.raises(InputError, match=message):
        TrainingLoop(
            untrained(SMALL), Dataset(windows, windows), config, TO_THE_END, Snapshots(tmp_path), Workers(0, 2)
        )


def test_metrics_are_logged_with_their_update(windows, tmp_path):
    _, metrics, history, _ = trained(tmp_path, windows)
    assert [update for update, _ in history] == [5, 10, 12]
    assert history[-1][1] == metrics
    assert set(metrics) == {"loss", "wasserstein", "beta", "validation_loss", "validation_accuracy"}
    assert metrics["beta"] == 0.5


def test_too_few_windows_are_named(windows, tmp_path):
    with pytest.raises(InputError, match="20 training windows, fewer than one batch of 21"):
        trained(tmp_path, windows, replace(BRIEF, batch=21))


@pytest.mark.parametrize("rate", [1e30, 30.0], ids=["no number", "too large"])
def test_divergence_is_named_with_its_update_and_the_last_sound_snapshot(windows, tmp_path, monkeypatch, rate):
    monkeypatch.setattr(loop, "SNAPSHOT_SECONDS", 0.0)
    with pytest.raises(InputError, match=r"\w+ is .* after update \d+; lower the learning rate .*no snapshot"):
        trained(tmp_path, windows, replace(BRIEF, learning_rate=rate, updates=50))
    sound = replace(BRIEF, learning_rate=1e-3, updates=20)
    stop_after(monkeypatch, 10)
    with pytest.raises(InterruptedRunError):
        trained(tmp_path, windows, sound)
    monkeypatch.undo()
    with pytest.raises(InputError, match=rf"after update 15; .*{tmp_path}/update-000000010.safetensors"):
        trained(tmp_path, windows, replace(sound, learning_rate=rate))


def test_validation_windows_are_needed(windows, tmp_path):
    nothing = windows.take(torch.arange(0))
    with pytest.raises(InputError, match="no validation windows"):
        trained(tmp_path, windows, validation=nothing)


def test_a_last_update_that_diverges_is_named(windows, tmp_path):
    with pytest.raises(InputError, match=r"validation_loss is nan after update 1; .*no snapshot"):
        trained(tmp_path, windows, replace(BRIEF, learning_rate=1e30, updates=1))


def stop_after(monkeypatch, update: int) -> None:
    """The process gets SIGTERM while that update is made."""
    genuine = Updates.make

    def make(self, number, schedule):
        if number == update - 1:
            os.kill(os.getpid(), signal.SIGTERM)
        return genuine(self, number, schedule)

    monkeypatch.setattr(Updates, "make", make)


def assert_goes_on(folder, monkeypatch, *run, update=7, **where):
    """A run that is stopped after an update and started again ends as one that is not."""
    whole = trained(folder / "whole", *run, **where)
    stop_after(monkeypatch, update)
    with pytest.raises(InterruptedRunError, match=f"stopped after update {update}; the same command goes on"):
        trained(folder / "stopped", *run, **where)
    monkeypatch.undo()
    resumed = trained(folder / "stopped", *run, **where)
    assert same(whole[0], resumed[0])
    assert whole[1:] == resumed[1:]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("update", [1, 7, 12])
def test_a_stopped_run_goes_on_as_if_it_had_not_been(windows, tmp_path, monkeypatch, kind, update):
    assert_goes_on(tmp_path, monkeypatch, windows, SAMPLED, KINDS[kind], update=update)


def test_a_run_without_patience_has_ended_when_it_goes_on_too(windows, tmp_path, monkeypatch):
    stopping = replace(TO_THE_END, patience=1, keep="best")
    losses = {5: 1.0, 10: 2.0}
    genuine = loop.validate

    def validate(model, *rest):
        return genuine(model, *rest) | {"validation_loss": losses.get(len(seen), 3.0)}

    seen: list[int] = []
    stop_after(monkeypatch, 10)
    to_be_stopped = Updates.make

    def make(self, number, schedule):
        seen.append(number)
        return to_be_stopped(self, number, schedule)

    monkeypatch.setattr(loop, "validate", validate)
    monkeypatch.setattr(Updates, "make", make)
    with pytest.raises(InterruptedRunError, match="after update 10"):
        trained(tmp_path, windows, replace(BRIEF, updates=30), stopping=stopping)
    _, metrics, history, schedule = trained(tmp_path, windows, replace(BRIEF, updates=30), stopping=stopping)
    assert len(seen) == schedule.updates == history[-1][0] == 10
    assert metrics == history[0][1]


def test_signals_are_the_programs_own_again_after_training(windows, tmp_path):
    before = signal.getsignal(signal.SIGTERM)
    trained(tmp_path, windows)
    assert signal.getsignal(signal.SIGTERM) == before


def test_the_best_weights_can_be_kept(windows, tmp_path, monkeypatch):
    losses = iter([3.0, 1.0, 2.0])
    at_validation = []

    def validate(model, *_):
        at_validation.append({name: weight.clone() for name, weight in model.state_dict().items()})
        return {"validation_loss": next(losses)}

    monkeypatch.setattr(loop, "validate", validate)
    best, metrics, _, _ = trained(tmp_path, windows, stopping=replace(TO_THE_END, keep="best"))
    assert metrics["validation_loss"] == 1.0
    assert all(torch.equal(weight, at_validation[1][name]) for name, weight in best.state_dict().items())


def test_training_ends_where_validation_no_longer_improves(windows, tmp_path, monkeypatch):
    losses = iter([3.0, 1.0, 2.0, 1.5, 0.5, 0.1])
    monkeypatch.setattr(loop, "validate", lambda *_: {"validation_loss": next(losses)})
    config = replace(BRIEF, updates=30, flow_updates=300)
    _, metrics, history, schedule = trained(tmp_path, windows, config, stopping=replace(TO_THE_END, patience=2))
    assert (history[-1][0], metrics["validation_loss"]) == (20, 1.5)
    assert (schedule.updates, schedule.flow_updates) == (20, 200)


class FakeClock:
    """Stands for the module `time`: an update takes `seconds_of(update)`, a validation a fixed time."""

    def __init__(self, monkeypatch, seconds_of, validation=2.0) -> None:
        self.now = 0.0
        self.updates = 0
        self._validation = validation
        for module in (loop, clock):
            monkeypatch.setattr(module, "time", self)
        monkeypatch.setattr(Updates, "make", self.update)
        monkeypatch.setattr(loop, "validate", self.validate)
        self._seconds_of = seconds_of

    def monotonic(self) -> float:
        return self.now

    def update(self, *_):
        self.updates += 1
        self.now += self._seconds_of(self.updates)
        return {"loss": torch.tensor(1.0)}

    def validate(self, *_):
        self.now += self._validation
        return {"validation_loss": 1.0}


LONG = replace(BRIEF, updates=100_000, beta_every=10_000, evaluate_every=10_000)


@pytest.mark.parametrize("validation", [0.1, 2.0, 30.0, 60.0])
def test_the_schedule_is_fitted_to_the_time(windows, tmp_path, monkeypatch, validation):
    fake = FakeClock(monkeypatch, lambda _: 1.0, validation)
    _, metrics, history, schedule = trained(tmp_path, windows, LONG, stopping=replace(TO_THE_END, max_minutes=10))
    assert 500 < fake.now <= 600
    assert history[-1] == (fake.updates, metrics)
    assert (schedule.updates, schedule.beta_every) == (fake.updates, round(fake.updates / 10))
    assert sum("validation_loss" in metrics for _, metrics in history) <= 11


@pytest.mark.parametrize("later", [0.5, 2.0])
def test_a_run_that_becomes_slower_or_faster_still_makes_the_whole_schedule_in_time(
    windows, tmp_path, monkeypatch, later
):
    fake = FakeClock(monkeypatch, lambda update: 1.0 if update < 200 else later)
    _, metrics, history, schedule = trained(tmp_path, windows, LONG, stopping=replace(TO_THE_END, max_minutes=10))
    assert 550 < fake.now <= 600
    assert history[-1] == (fake.updates, metrics)
    assert (schedule.updates, schedule.beta_every) == (fake.updates, round(fake.updates / 10))


def test_a_run_of_limited_time_goes_on_with_the_time_that_is_left(windows, tmp_path):
    folder = Snapshots(tmp_path)
    torch.manual_seed(0)
    model = untrained(SMALL)
    folder.write(Position(update=0, seconds=59.5), model, Optimisers.for_model(model, BRIEF), {})
    _, _, history, _ = trained(tmp_path, windows, stopping=replace(TO_THE_END, max_minutes=1))
    assert [update for update, _ in history] == [1]


def test_snapshots_appear_whole_or_not_at_all(windows, tmp_path, monkeypatch):
    model = untrained(SMALL)
    optimisers, folder = Optimisers.for_model(model, BRIEF), Snapshots(tmp_path)
    for update in (1, 2, 3):
        folder.write(Position(update), model, optimisers, {})
    names = ["update-000000002.safetensors", "update-000000003.safetensors"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names

    def full(tensors, path, metadata):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(snapshots, "save_file", full)
    with pytest.raises(OSError, match="No space"):
        folder.write(Position(4), model, optimisers, {})
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert folder.restore(model, optimisers)[0].update == 3


def test_a_snapshot_that_cannot_be_read_gives_way_to_the_one_before(windows, tmp_path):
    model = untrained(SMALL)
    optimisers, folder = Optimisers.for_model(model, BRIEF), Snapshots(tmp_path)
    for update in (1, 2):
        folder.write(Position(update), model, optimisers, {})
    for update in (2, 1):
        path = tmp_path / f"update-{update:09d}.safetensors"
        path.write_bytes(path.read_bytes()[:1000])
        if update == 2:
            assert folder.restore(model, optimisers)[0].update == 1
    with pytest.raises(InputError, match=rf"{tmp_path} to train from the start"):
        folder.restore(model, optimisers)


RECIPES = """
[small.model]
hidden_size = 16
layers = 2
latent = 8
noise_floor = 0.5

[small.training]
"""
STANDALONE = {"apache_beam", "dvc", "dvclive", "matplotlib", "mido", "pretty_midi", "pydantic", "pypianoroll",
              "typer", "yaml"}  # fmt: skip
ALONE = f"""
import runpy, sys
sys.modules.update(dict.fromkeys({sorted(STANDALONE)!r}))
from model.training import loop
loop.SNAPSHOT_SECONDS, loop.SNAPSHOT_SHARE = 0, 1
runpy.run_module("model", run_name="__main__", alter_sys=True)
"""
"""On a machine without those; with as many snapshots as there can be."""


@pytest.fixture
def machine(tmp_path, windows):
    """A folder as on a rented machine: a recipe and window shards."""
    (tmp_path / "shards").mkdir()
    write_window_shards(tmp_path / "shards", make_windows(40), make_windows(10))
    brief = replace(BRIEF, updates=60, learning_rate=0.002, sampling_rate=2.0, sampling_every=10.0, moments_weight=0.5)
    schedule = asdict(replace(brief, denoising_weight=0.3, flow_updates=5))
    lines = [f"{name} = {value}" for name, value in schedule.items() if name not in ("precision", "seed")]
    (tmp_path / "recipes.toml").write_text(RECIPES + "\n".join(lines))
    return tmp_path


def command(out: str, *more: str) -> list[str]:
    return [sys.executable, "-c", ALONE, "shards", out, "--recipe", "small", "--cpu-threads", "1", *more]


def run(folder: Path, command: list[str]) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_a_machine_without_dvc_trains_and_evaluates(machine):
    finished = run(machine, command("out", "--network", "flat", "--prior", "gaussian", "--regulariser", "kl"))
    assert finished.returncode == 0, finished.stderr
    names = {str(path.relative_to(machine / "out")) for path in (machine / "out").rglob("*") if path.is_file()}
    assert names == {"model.safetensors", "model.json", "curves.csv", "accuracy.json"}
    assert "teacher_forced_accuracy" in finished.stdout
    assert (
        (machine / "out" / "curves.csv").read_text().splitlines()[0].startswith("update,loss,denoising,kl,moments,beta")
    )
    assert list((machine / "runs").iterdir()) == []


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--recipe", "papre"], "no recipe papre; there are small"),
        (["--regulariser", "kl"], "the KL divergence needs the gaussian prior"),
        (["--tracks", "bass", "drums"], "tracks must be some of drums, bass, guitar, strings, in this order"),
        (["--seed", "99999999999999999999999"], "seed must be from 0 to 4294967295, not 99999999999999999999999"),
        (["--cpu-threads", "5000"], "cpu_threads is 5000, but this process may use "),
    ],
)
def test_what_does_not_fit_is_a_line(machine, more, message):
    finished = run(machine, command("out", *more))
    assert finished.returncode == 1
    assert message in finished.stderr
    assert finished.stderr.count("\n") == 1


@pytest.mark.slow
def test_a_killed_run_ends_with_the_same_weights(machine):
    assert run(machine, command("whole")).returncode == 0
    whole = load_file(machine / "whole" / "model.safetensors")
    curves = (machine / "whole" / "curves.csv").read_bytes()
    killed = 0
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    for moment in range(20):
        with subprocess.Popen(command("killed"), cwd=machine, env=environment, stderr=subprocess.DEVNULL) as process:
            while process.poll() is None:
                # pathlib raises where a folder vanishes meanwhile, as it does at the end of a run
                if glob(f"runs/*/update-{10 * (killed + 1):09d}*", root_dir=machine):  # noqa: PTH207
                    time.sleep(0.003 * moment)
                    process.kill()
            if process.wait() == 0:
                break
            killed += 1
    assert killed >= 3
    again = load_file(machine / "killed" / "model.safetensors")
    assert all(torch.equal(whole[name], again[name]) for name in whole)
    assert (machine / "killed" / "curves.csv").read_bytes() == curves


@pytest.mark.parametrize(
    "model",
    [
        ["--keep", "best"],
        ["--network", "recurrent"],
        ["--network", "hierarchical", "--prior", "gaussian", "--regulariser", "kl"],
    ],
)
def test_two_processes_train_as_one(machine, model):
    (machine / "alone.py").write_text(ALONE)
    assert run(machine, command("one", *model)).returncode == 0
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "alone.py"]
    finished = run(machine, [*torchrun, *command("two", *model)[3:]])
    assert finished.returncode == 0, finished.stderr
    alone, together = (load_file(machine / out / "model.safetensors") for out in ("one", "two"))
    for name, weight in alone.items():
        assert torch.allclose(weight, together[name], atol=1e-3), name


def test_a_compact_copy_is_made_when_asked_for(machine):
    finished = run(machine, command("out", "--compact"))
    assert finished.returncode == 0, finished.stderr
    names = sorted(path.name for path in (machine / "out" / "compact").iterdir())
    assert names == ["accuracy.json", "model.json", "model.safetensors"]
    assert load(machine / "out" / "compact")[0].flow
    whole, compact = (load(folder)[0].state_dict() for folder in (machine / "out", machine / "out" / "compact"))
    for name, weight in whole.items():
        step = weight.abs().amax(dim=-1, keepdim=True) / 127 if weight.ndim == 2 else 0
        assert ((weight - compact[name]).abs() <= step * 0.5001).all(), name
    assert "validation windows, compact copy" in finished.stdout
