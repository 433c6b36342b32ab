"""Who may import whom: stages -> pipelines, analysis; studio -> composer; analysis, composer -> model -> music."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAY_IMPORT = {
    "music": {"music"},
    "pipelines": {"music", "pipelines"},
    "model": {"music", "model"},
    "analysis": {"music", "model", "analysis"},
    "composer": {"music", "model", "composer"},
    "studio": {"music", "model", "composer", "studio"},
    "stages": {"music", "pipelines", "model", "analysis", "stages"},
}
ON_A_GPU_MACHINE = {"torch", "triton", "numpy", "pyarrow", "safetensors", "tqdm"}
"""PyTorch for CUDA brings Triton."""
ELSEWHERE = {"apache_beam", "dvc", "dvclive", "h5py", "jinja2", "matplotlib", "mido", "pretty_midi", "pydantic",
             "pypianoroll", "typer", "yaml"}  # fmt: skip


def imported(path: Path) -> set[str]:
    """The top-level names of all modules that a file imports, wherever in the file."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            names.add(str(node.module).split(".")[0])
    return names


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_run_one_way(package):
    files = sorted((ROOT / package).rglob("*.py"))
    assert files
    for path in files:
        assert imported(path) & set(MAY_IMPORT) <= MAY_IMPORT[package], path


def test_the_model_needs_only_what_a_gpu_machine_has():
    needed = {name for path in (ROOT / "model").rglob("*.py") for name in imported(path)}
    assert needed - set(sys.stdlib_module_names) - {"model", "music"} <= ON_A_GPU_MACHINE


def test_pipelines_never_import_torch():
    assert not {name for path in (ROOT / "pipelines").rglob("*.py") for name in imported(path)} & {"torch", "model"}


def modules_of(package: str) -> set[str]:
    """The dotted names of all modules of a package, those in its folders too."""
    paths = [path.relative_to(ROOT).with_suffix("") for path in (ROOT / package).rglob("*.py")]
    return {".".join(path.parts) for path in paths if path.name not in ("__init__", "__main__")}


def imports_without(missing: set[str], *modules: str) -> None:
    code = f"import sys; sys.modules.update(dict.fromkeys({sorted(missing)!r})); import {', '.join(modules)}"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_the_model_imports_on_a_gpu_machine():
    with_cuda_alone = {"model.networks.lstm_kernels"}
    modules = modules_of("model") - with_cuda_alone
    assert "model.training.loop" in modules
    imports_without(ELSEWHERE, "model.__main__", *sorted(modules))


def test_the_analysis_imports_where_there_is_no_sound_and_no_pipeline():
    modules = sorted(modules_of("analysis"))
    assert "analysis.shared.clips" in modules
    pipeline = ELSEWHERE - {"jinja2", "matplotlib", "mido", "pretty_midi", "pypianoroll"}  # PyTorch brings Jinja
    imports_without(pipeline | {"soundfile", "tinysoundfont"}, "analysis.__main__", *modules)


def test_editing_needs_no_scikit_learn():
    modules = sorted(modules_of("composer"))
    assert "composer.edit" in modules
    imports_without({"sklearn", "apache_beam", "dvc", "jinja2", "yaml"}, *modules)


def test_the_page_is_served_while_torch_is_still_being_imported():
    modules = sorted(modules_of("studio") - {"studio.operations", "studio.openapi", "studio.command_line"})
    assert "studio.app" in modules
    imports_without({"torch", "safetensors", "sklearn", "pydantic", "pretty_midi"}, *modules)


def test_the_pipelines_import_on_a_beam_worker():
    modules = sorted(modules_of("pipelines"))
    assert "pipelines.corpus.archives" in modules
    imports_without({"torch", "safetensors", "dvc", "dvclive", "jinja2", "pydantic", "typer"}, *modules)
