"""No line of the harness reads a pickle, or anything else that could run code."""

import ast
from pathlib import Path

import pytest

FILES = sorted((Path(__file__).parent.parent / "harness").rglob("*.py"))
UNPICKLERS = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "yaml"}
RUNNERS = {"eval", "exec", "os.system", "os.popen", "pandas.read_pickle", "pd.read_pickle", "torch.jit.load"}
# Where upstream code is started, in its own process (harness/upstream/child.py).
STARTS_UPSTREAM = {"worker.py": "runpy"}


def called(tree: ast.AST) -> list[tuple[str, dict[str, ast.expr]]]:
    """Every call by its dotted name, with its keywords."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [(ast.unparse(one.func), {key.arg: key.value for key in one.keywords if key.arg}) for one in calls]


def faults(tree: ast.AST) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [f"imports {one.name}" for one in node.names if one.name.split(".")[0] in UNPICKLERS]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in UNPICKLERS:
            found.append(f"imports {node.module}")
    for name, options in called(tree):
        given = {key: getattr(value, "value", None) for key, value in options.items()}
        if name in RUNNERS or given.get("shell") or given.get("allow_pickle"):
            found.append(f"calls {name}")
        if name == "torch.load" and given.get("weights_only") is not True:
            found.append("calls torch.load without weights_only=True")
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_nothing_is_unpickled_or_evaluated(path):
    assert faults(ast.parse(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "line",
    [
        "import pickle", "from yaml import load", "torch.load(path)", "torch.load(path, weights_only=False)",
        "np.load(path, allow_pickle=True)", "subprocess.run(line, shell=True)", "eval(text)",
    ],
)  # fmt: skip
def test_the_check_can_fail(line):
    assert len(faults(ast.parse(line))) == 1


def test_one_file_runs_code_by_path():
    users = {path.name: "runpy" for path in FILES if "runpy.run_path" in path.read_text(encoding="utf-8")}
    assert users == STARTS_UPSTREAM
