"""Updates as CUDA graphs: what they leave is what the same kernels leave one by one."""

from dataclasses import replace

import pytest
import torch

from model.training.first_weights import untrained
from model.training.step import Optimisers
from model.training.updates import Updates
from tests.helpers.models import BRIEF, SMALL, make_windows
from tests.model.test_training import SAMPLED, assert_goes_on, same

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")


@pytest.fixture(autouse=True)
def _deterministic(monkeypatch):
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("kind", [{}, {"prior": "gaussian"}, {"network": "recurrent"}], ids=str)
def test_a_graph_leaves_what_its_kernels_leave_one_by_one(precision, kind):
    windows, config = make_windows().to(torch.device("cuda")), replace(BRIEF, clip=1.0, precision=precision)
    models, losses = [], []
    for graph in (True, False):
        torch.manual_seed(0)
        model = untrained(replace(SMALL, **kind)).cuda()
        updates = Updates(model, windows, config, Optimisers.for_model(model, config), graph=graph)
        losses.append(
            [{name: loss.item() for name, loss in updates.make(number, config).items()} for number in range(12)]
        )
        models.append(model)
    assert losses[0] == losses[1]
    assert len({made["loss"] for made in losses[0]}) == 12
    assert same(*models)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize(
    "kind",
    [SMALL, replace(SMALL, network="recurrent"), replace(SMALL, network="flat", prior="gaussian", regulariser="kl")],
)
def test_a_stopped_run_goes_on_as_if_it_had_not_been(tmp_path, monkeypatch, precision, kind):
    config = replace(SAMPLED, precision=precision)
    assert_goes_on(tmp_path, monkeypatch, make_windows(), config, kind, device="cuda")
