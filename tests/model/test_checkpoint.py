from dataclasses import replace

import pytest
import torch

from model.checkpoint import VERSIONS, Description, load, load_for, save, save_compact
from model.compact import expand, pack, round_rows
from model.config import difference
from model.data import Provenance, read_provenance
from model.training.first_weights import untrained
from music.errors import InputError
from tests.helpers.models import BRIEF, GENRES, SMALL, make_windows, write_window_shards

DESCRIPTION = Description(SMALL, BRIEF, Provenance(1, GENRES, "abc"), {"validation_loss": 1.5}, VERSIONS)


RECURRENT = replace(SMALL, network="recurrent")


@pytest.fixture
def model():
    torch.manual_seed(0)
    return untrained(SMALL).eval()


def test_a_checkpoint_comes_back_whole(model, tmp_path):
    save(tmp_path, model, DESCRIPTION)
    again, description = load(tmp_path)
    assert description == DESCRIPTION
    tokens = make_windows().tokens
    assert torch.equal(again.codes(tokens), model.codes(tokens))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.json", "model.safetensors"]


def test_loading_does_without_first_weights(tmp_path, monkeypatch):
    """They would take seconds where the model is large, and are not kept."""
    save(tmp_path, untrained(RECURRENT), replace(DESCRIPTION, model=RECURRENT))
    for name in ("orthogonal_", "xavier_uniform_"):
        monkeypatch.setattr(torch.nn.init, name, lambda *_: pytest.fail("first weights are drawn"))
    load(tmp_path)
    with pytest.raises(pytest.fail.Exception):
        untrained(RECURRENT)


def test_a_checkpoint_that_does_not_fit_is_named(model, tmp_path):
    with pytest.raises(InputError, match="train a model first"):
        load(tmp_path)
    save(tmp_path, model, DESCRIPTION)
    whole = (tmp_path / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(whole[:-10])
    with pytest.raises(InputError, match=r"model\.safetensors: not weights of a checkpoint"):
        load(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(whole)
    text = (tmp_path / "model.json").read_text()
    (tmp_path / "model.json").write_text(text.replace('"hidden_size": 16', '"hidden_size": 32'))
    with pytest.raises(InputError, match=r"model\.safetensors: .*size mismatch") as error:
        load(tmp_path)
    assert "\n" not in str(error.value)
    (tmp_path / "model.json").write_text(text.replace('"network"', '"networks"'))
    with pytest.raises(InputError, match=r"model\.json: .*networks"):
        load(tmp_path)


def test_what_differs_is_named():
    ours = Provenance(2, ["jazz"], "abc")
    assert difference(ours, ours) == ""
    assert difference(ours, replace(ours, bars=16, digest="def")) == "bars 2, not 16, digest abc, not def"


def test_a_model_of_other_windows_is_named_with_what_differs(model, tmp_path):
    (tmp_path / "windows").mkdir()
    write_window_shards(tmp_path / "windows", make_windows(), make_windows())
    save(tmp_path, model, replace(DESCRIPTION, data=replace(read_provenance(tmp_path / "windows"), bars=16)))
    with pytest.raises(InputError, match=r"trained on other windows than .*windows \(bars 16, not 1\); run dvc repro"):
        load_for(tmp_path, tmp_path / "windows")


@pytest.mark.parametrize("network", ["attention", "recurrent"])
def test_a_compact_copy_is_a_checkpoint_too(network, tmp_path):
    torch.manual_seed(0)
    model = untrained(replace(SMALL, network=network)).eval()
    save_compact(tmp_path, model, replace(DESCRIPTION, model=model.config))
    again, description = load(tmp_path)
    assert description == replace(DESCRIPTION, model=model.config)
    codes, expected = (loaded.codes(make_windows().tokens) for loaded in (again, model))
    assert not torch.equal(codes, expected)
    assert torch.allclose(codes, expected, atol=0.1 * expected.std().item())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.json", "model.safetensors"]


def test_a_compact_copy_has_a_byte_for_each_weight_of_a_matrix(tmp_path):
    large = untrained(replace(SMALL, hidden_size=256, latent=64))
    save_compact(tmp_path, large, replace(DESCRIPTION, model=large.config))
    weights = sum(weight.numel() for weight in large.state_dict().values())
    assert weights < (tmp_path / "model.safetensors").stat().st_size < 1.1 * weights


def test_rows_are_round_rows_in_steps_of_their_own():
    matrix = torch.tensor([[127.0, -63.4, 0.6], [0.0, 0.0, 0.0], [0.07, -0.14, 0.035]])
    steps, sizes = round_rows(matrix, largest=4)
    assert steps.tolist() == [[4, -2, 0], [0, 0, 0], [2, -4, 1]]
    assert torch.allclose(sizes, torch.tensor([[127 / 4], [0.0], [0.035]]))
    weights = {"bias": torch.tensor([0.123456789, -2.0]), "w": matrix}
    again = expand(pack(weights))
    assert again.keys() == weights.keys()
    assert torch.equal(again["bias"], weights["bias"])
    expected = torch.tensor([[127.0, -63.0, 1.0], [0.0, 0.0, 0.0], [64 * 0.14 / 127, -0.14, 32 * 0.14 / 127]])
    assert torch.allclose(again["w"], expected)
