from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from model.autoencoder import Autoencoder
from model.checkpoint import VERSIONS, Description, load, load_for, save, save_compact
from model.compact import expand, finest_step, pack
from model.config import difference
from model.data import Provenance, read_provenance
from music.errors import InputError
from tests.helpers.models import BRIEF, GENRES, SMALL, make_windows, write_window_shards

DESCRIPTION = Description(SMALL, BRIEF, Provenance(1, GENRES, "abc"), {"validation_loss": 1.5}, VERSIONS)


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Autoencoder(SMALL).eval()


def test_a_checkpoint_comes_back_whole(model, tmp_path):
    save(tmp_path, model, DESCRIPTION)
    again, description = load(tmp_path)
    assert description == DESCRIPTION
    tokens = make_windows().tokens
    assert torch.equal(again.codes(tokens), model.codes(tokens))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.json", "model.safetensors"]


def test_a_checkpoint_that_does_not_fit_is_named(model, tmp_path):
    with pytest.raises(InputError, match="train a model first"):
        load(tmp_path)
    save(tmp_path, model, DESCRIPTION)
    whole = (tmp_path / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(whole[:-10])
    with pytest.raises(InputError, match="not a checkpoint"):
        load(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(whole)
    text = (tmp_path / "model.json").read_text()
    (tmp_path / "model.json").write_text(text.replace('"hidden_size": 16', '"hidden_size": 32'))
    with pytest.raises(InputError, match="size mismatch"):
        load(tmp_path)
    (tmp_path / "model.json").write_text(text.replace('"decoder"', '"decoders"'))
    with pytest.raises(InputError, match="decoders"):
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


def test_a_compact_copy_is_a_checkpoint_too(model, tmp_path):
    save_compact(tmp_path, pack(model.state_dict(), 0), DESCRIPTION)
    again, description = load(tmp_path)
    assert description == DESCRIPTION
    codes = (one.codes(make_windows().tokens) for one in (again, model))
    assert torch.allclose(*codes, atol=0.02)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["compact.safetensors", "model.json"]


@pytest.mark.parametrize("bits", [6, 4, 2.4])
def test_a_matrix_of_normal_numbers_is_as_near_as_its_bits_allow(bits):
    matrix = torch.randn(300, 4001, generator=torch.Generator().manual_seed(0)) * torch.logspace(-3, 3, 300)[:, None]
    room = int(matrix.numel() * bits / 8) + 4096
    packed = pack({"w": matrix}, finest_step({"w": matrix}, room))
    assert 0.98 * room < sum(tensor.nbytes for tensor in packed.values()) <= room
    error = (expand(packed)["w"] - matrix) / matrix.square().mean(dim=1, keepdim=True).sqrt()
    # Even steps lose 0.254 bits to the best code of normal numbers (Gish and Pierce, 1968), Huffman's some more.
    best = 2 ** (-2 * bits)
    assert 2 ** (2 * 0.22) * best < error.square().mean() < 2 ** (2 * 0.36) * best


def test_vectors_and_rows_of_zeros_come_back(model):
    weights = {"bias": torch.tensor([0.5, -2.0]), "w": torch.cat([torch.zeros(1, 8), torch.arange(8.0)[None]])}
    again = expand(pack(weights, finest_step(weights, 10_000)))
    assert torch.equal(again["bias"], weights["bias"])
    assert torch.allclose(again["w"], weights["w"], atol=0.03)  # half of 7 / 127


def test_a_compact_copy_keeps_to_its_size(tmp_path):
    config = replace(SMALL, hidden_size=64)
    model = Autoencoder(config)
    weights = model.state_dict()
    room = sum(weight.numel() for weight in weights.values()) // 2  # 4 bits a weight
    save_compact(tmp_path, pack(weights, finest_step(weights, room)), replace(DESCRIPTION, model=config))
    assert 0.9 * room < (tmp_path / "compact.safetensors").stat().st_size <= room
    assert load(tmp_path)[0].state_dict().keys() == weights.keys()
    with pytest.raises(InputError, match="do not fit into 1000 bytes"):
        finest_step(weights, 1000)


@pytest.mark.parametrize(
    "damage", [lambda steps: steps[:-1].clone(), lambda steps: steps[:-20].clone(), lambda steps: 255 - steps]
)
def test_damaged_steps_are_no_checkpoint(model, tmp_path, damage):
    save_compact(tmp_path, pack(model.state_dict(), 0), DESCRIPTION)
    packed = load_file(tmp_path / "compact.safetensors")
    name = next(name for name in packed if name.endswith(".steps"))
    save_file(packed | {name: damage(packed[name])}, tmp_path / "compact.safetensors")
    with pytest.raises(InputError, match="not a checkpoint of this version"):
        load(tmp_path)
