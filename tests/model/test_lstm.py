"""The LSTMs of mixed precision on a GPU against PyTorch's: the same functions, the same gradients."""

import os

import pytest
import torch

from model.networks import lstm
from model.networks.lstm import LSTM, unroll

GPU = torch.cuda.is_available()
if not GPU:
    os.environ["TRITON_INTERPRET"] = "1"  # kernels run in numpy then; it is read where Triton is imported
pytest.importorskip("triton", reason="Triton comes with PyTorch for CUDA")

DEVICE = torch.device("cuda" if GPU else "cpu")
BATCH, STEPS, UNITS, LAYERS = 3, 5, 8, 2


@pytest.fixture
def _by_recurrence(monkeypatch):
    monkeypatch.setattr(lstm, "_mixed_on_gpu", lambda _: True)
    monkeypatch.setattr(torch, "get_autocast_dtype", lambda _: torch.float32)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)


def pytorch_lstm(ours: LSTM) -> torch.nn.LSTM:
    theirs = torch.nn.LSTM(
        ours.input_size, UNITS, LAYERS, batch_first=True, bidirectional=ours.bidirectional, device=DEVICE
    )
    theirs.load_state_dict(ours.state_dict())
    return theirs


def random(*shape):
    return torch.randn(*shape, device=DEVICE, requires_grad=True)


def close(actual, expected):
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-5)


def gradients(outputs, inputs):
    """The gradients of a weighted sum of all outputs."""
    torch.manual_seed(1)
    loss = sum((output * torch.randn_like(output)).sum() for output in outputs)
    return torch.autograd.grad(loss, inputs)


@pytest.mark.usefixtures("_by_recurrence")
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("with_state", [False, True])
def test_it_is_pytorchs_lstm(bidirectional, with_state):
    torch.manual_seed(0)
    ours = LSTM(6, UNITS, LAYERS, bidirectional=bidirectional, device=DEVICE)
    theirs = pytorch_lstm(ours)
    x = random(BATCH, STEPS, 6)
    state = tuple(random(LAYERS * (1 + bidirectional), BATCH, UNITS) for _ in range(2)) if with_state else None
    results = []
    for module in (ours, theirs):
        output, (hidden, cell) = module(x, state)
        inputs = [x, *(state or ()), *module.parameters()]
        results.append(((output, hidden, cell), gradients((output, hidden, cell), inputs)))
    for actual, expected in zip(*results, strict=True):
        close(actual, expected)


@pytest.mark.usefixtures("_by_recurrence")
def test_several_at_once_are_each_its_own():
    torch.manual_seed(0)
    ours = [LSTM(6, UNITS, LAYERS, device=DEVICE) for _ in range(4)]
    theirs = [pytorch_lstm(module) for module in ours]
    x, hidden = random(BATCH, 6), [random(BATCH, UNITS) for _ in ours]
    outputs = unroll(ours, x, hidden, STEPS)
    actual = gradients(outputs, [x, *hidden, *(weight for module in ours for weight in module.parameters())])
    expected_outputs = []
    for module, first in zip(theirs, hidden, strict=True):
        state = first.expand(LAYERS, -1, -1).contiguous()
        expected_outputs.append(module(x[:, None].repeat(1, STEPS, 1), (state, torch.zeros_like(state)))[0])
    expected = gradients(
        expected_outputs, [x, *hidden, *(weight for module in theirs for weight in module.parameters())]
    )
    for output, expected_output in zip(outputs, expected_outputs, strict=True):
        close(output, expected_output)
    close(actual, expected)


@pytest.mark.skipif(not GPU, reason="no GPU")
def test_in_bfloat16_it_is_near():
    torch.manual_seed(0)
    ours = LSTM(64, 256, 3, bidirectional=True, device=DEVICE)
    x = random(16, 64, 64)
    results = []
    for mixed in (True, False):
        with torch.autocast("cuda", torch.bfloat16, enabled=mixed):
            output, _ = ours(x)
        assert output.dtype == (torch.bfloat16 if mixed else torch.float32)
        results.append((output.float(), *gradients([output.float()], [x, *ours.parameters()])))
    for actual, expected in zip(*results, strict=True):
        assert (actual - expected).norm() < 0.02 * expected.norm()
