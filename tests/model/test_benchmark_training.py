"""What training is compared to: the published model's port, and the operations that an update takes."""

from dataclasses import replace

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import operations
from benchmarks.published import PianoRolls, Published
from benchmarks.training import profiled, systems
from model.training.first_weights import untrained
from music.tokens import STATES
from tests.helpers import models
from tests.helpers import reference_model as reference
from tests.helpers.models import windows_of
from tests.project.test_imports import ELSEWHERE, imports_without

SMALL = replace(models.SMALL, network="recurrent", hidden_size=5, latent=4)
BRIEF = replace(models.BRIEF, batch=2, learning_rate=0.03, decay=0.0, critic_updates=5)


@pytest.fixture
def tokens():
    return torch.randint(STATES, (2, 4, 16), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


def weights_of(model):
    return {name: weight.clone().requires_grad_() for name, weight in model.state_dict().items()}


@pytest.mark.parametrize(
    "sizes", [{}, {"prior": "gaussian"}, {"layers": 1, "hidden_size": 7}], ids=["flower", "gaussian", "one layer"]
)
def test_operations_are_those_of_cells_written_out(sizes, tokens):
    config = replace(SMALL, **sizes)
    weights = weights_of(untrained(config))
    fixed = {name: weight.detach() if "critic" in name else weight for name, weight in weights.items()}
    genre, noise = torch.tensor([3, 1]), torch.zeros(2, config.latent)
    real, fake = torch.randn(2, 2, config.latent)

    kind = reference.Kind(config.prior, config.layers, floor=0.0, moments_weight=0.0)
    with FlopCounterMode(display=False) as autoencoder:
        reference.autoencoder_loss(fixed, tokens, genre, noise, 1.0, kind)[0].backward()
    with FlopCounterMode(display=False) as critic:
        reference.critic_loss(weights, real, fake, genre, 10.0, torch.full((2, 1), 0.5))[0].backward()

    # The reference multiplies by the one-hot input, forward and for the embedding's gradient.
    looked_up = 2 * operations.product(2 * 16, 4 * STATES, config.hidden_size)
    counted = autoencoder.get_total_flops() - looked_up + 5 * critic.get_total_flops()
    assert operations.count_operations(config, BRIEF).total == counted


@pytest.mark.parametrize("sizes", [{}, {"layers": 1, "place_steps": 16}, {"hidden_size": 128, "latent": 12}])
def test_operations_of_attention_are_those_that_pytorch_counts(sizes, tokens):
    config = replace(models.SMALL, network="attention", **sizes)
    model = untrained(config)
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        mean, log_variance = model.encoder(tokens)
        model.decoder(mean + log_variance).sum().backward()
    counted = operations.count_operations(config, BRIEF)
    assert counted.encoder + counted.decoders == counter.get_total_flops()


def test_the_port_reads_one_hot_rolls(tokens):
    windows = windows_of(tokens)
    roll, states, genres = PianoRolls(windows)[1]
    assert roll.shape == (16, 4 * STATES)
    assert roll.sum() == 4 * 16
    assert all(
        roll[step, STATES * track + int(tokens[1, track, step])] == 1 for step in range(16) for track in range(4)
    )
    assert torch.equal(states, tokens[1].long())
    assert not genres.any()


@pytest.mark.parametrize("prior", ["flower", "gaussian"])
def test_the_port_learns_windows_by_heart(prior, tokens):
    torch.manual_seed(0)
    port = Published(replace(SMALL, prior=prior, hidden_size=32, layers=1, latent=8), BRIEF, torch.device("cpu"))
    rolls, states = zip(*(PianoRolls(windows_of(tokens))[i][:2] for i in range(2)), strict=True)
    batch = torch.stack(rolls), torch.stack(states), torch.tensor([[True, False, True], [False, False, False]])
    generator = torch.Generator().manual_seed(0)
    losses = [port.step(*batch, 0.1, generator)["loss"].item() for _ in range(50)]
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize("system", systems(), ids=lambda system: system.name)
def test_a_profile_lists_the_operators_of_an_update(system, tokens):
    try:
        table = profiled(system(SMALL, BRIEF, windows_of(tokens)), updates=1)
    finally:
        torch.use_deterministic_algorithms(False)
    assert "Self CPU" in table
    assert "aten::" in table


def test_the_benchmark_imports_on_a_gpu_machine():
    modules = (f"benchmarks.{name}" for name in ("compact", "quality", "training"))
    imports_without(ELSEWHERE | {"psutil"}, *modules)
