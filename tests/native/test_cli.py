"""The `salina` program: exit status, help, JSON, wrong arguments, interruption.

SALINA_BUILD is the build folder (default: build/release).
"""

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

REPO = Path(__file__).parents[2]
BUILD = Path(os.environ.get("SALINA_BUILD", REPO / "build" / "release"))
SALINA = BUILD / "bin" / "salina"

pytestmark = pytest.mark.skipif(not SALINA.exists(), reason=f"no salina in {BUILD}")


def salina(*arguments, **more):
    return subprocess.run([SALINA, *map(str, arguments)], capture_output=True, text=True, timeout=120, **more)


@pytest.fixture(scope="module")
def operations():
    done = salina("operations", "--json")
    assert done.returncode == 0 and done.stderr == ""
    return {entry["id"]: entry for entry in json.loads(done.stdout)}


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_version_names_every_optional_library():
    done = salina("--version")
    assert done.returncode == 0
    assert re.match(r"salina \d+\.\d+\.\d+\n", done.stdout)
    for name in ("gdal", "proj", "dnnl", "xgboost", "libsvm", "mpi", "qt"):
        assert re.search(rf"^  {name}: (\d|not in this build)", done.stdout, flags=re.M)


def test_version_is_the_plugins_version():
    text = (REPO / "metadata.txt").read_text()
    assert f"salina {re.search(r'^version=(.*)$', text, flags=re.M)[1]}\n" in salina("--version").stdout


def test_help_lists_every_operation(operations):
    done = salina("--help")
    assert done.returncode == 0
    for name in operations:
        assert re.search(rf"^  {name} ", done.stdout, flags=re.M)


def test_without_arguments_the_help_is_shown_and_the_status_is_2():
    done = salina()
    assert done.returncode == 2 and "Operations:" in done.stdout


def test_help_of_an_operation_shows_every_row(operations):
    for name, entry in operations.items():
        done = salina(name, "--help")
        assert done.returncode == 0 and entry["title"] in done.stdout
        for row in entry["params"]:
            assert re.search(rf"^  --{row['key']} <{row['type']}>", done.stdout, flags=re.M)
            first_words = " ".join(row["help"].split()[:4])
            assert first_words in done.stdout


def test_descriptions_are_complete(operations):
    assert operations
    for entry in operations.values():
        assert {"id", "title", "summary", "help", "tags", "params", "results"} <= set(entry)
        keys = [row["key"] for row in entry["params"]]
        assert len(keys) == len(set(keys)) and "threads" in keys
        for row in entry["params"]:
            assert row["label"] and row["help"]
            assert not row["choices"] or row["default"] is None or set(
                row["default"] if row["list"] else [row["default"]]
            ) <= set(row["choices"])
            if row["bounds"] and row["default"] is not None and not row["list"]:
                assert row["bounds"][0] <= row["default"] <= row["bounds"][1] or row["type"] == "bytes"
            if row["type"] == "field":
                assert row["parent"] in keys


def test_a_full_standard_output_fails_with_1():
    with open("/dev/full", "w") as full:
        done = subprocess.run([SALINA, "operations", "--json"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1 and done.stderr == "salina: cannot write to standard output\n"


def test_an_unknown_operation_names_the_nearest():
    done = salina("demoo", "--output", "/tmp/x")
    assert done.returncode == 2 and done.stdout == ""
    assert 'no operation "demoo"; did you mean "demo"?' in done.stderr


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--outptu", "/tmp/x"], 'no parameter "outptu"; did you mean "output"?'),
        ([], "output is missing"),
        (["--output"], "--output needs a value"),
        (["--output", "/tmp/a", "--output", "/tmp/b"], "--output is given twice"),
        (["stray"], '"stray" belongs to no option'),
        (["--output", "/tmp/nowhere-x/y", "--size", "one"], "give a whole number"),
        (["--output=/tmp/x", "--size=-5"], "size is -5; give"),
        (["--output=/tmp/x", "--threads", "999"], "threads is 999; give 0 to 256"),
        (["--", "x"], "is no option"),
    ],
)
def test_wrong_arguments_give_2_and_one_sentence(operations, arguments, words):
    if "demo" not in operations:
        pytest.skip("operation demo is not in this build")
    done = salina("demo", *arguments)
    assert done.returncode == 2 and done.stdout == ""
    assert words in done.stderr and done.stderr.startswith("salina: ") and done.stderr.count("\n") == 1


def test_a_missing_folder_fails_with_1(operations, tmp_path):
    if "demo" not in operations:
        pytest.skip("operation demo is not in this build")
    done = salina("demo", "--output", tmp_path / "not" / "there")
    assert done.returncode == 1 and "does not exist" in done.stderr
    assert files(tmp_path) == []


@pytest.fixture(scope="module")
def small_demo(operations, tmp_path_factory):
    if "demo" not in operations:
        pytest.skip("operation demo is not in this build")
    folder = tmp_path_factory.mktemp("demo")
    return folder, salina("demo", "--output", folder / "delta", "--size=256", "--campaigns", 1, "--threads", 1, "--json")


def test_json_goes_to_stdout_and_messages_to_stderr(small_demo):
    folder, done = small_demo
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert done.stdout.count("\n") == 1
    assert result["operation"] == "demo" and result["seconds"] > 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", result["started"])
    assert all(set(line) == {"text", "warning"} for line in result["log"])
    assert re.search(r"^100 %", done.stderr, flags=re.M)
    assert not [name for name in files(folder) if ".partial-" in name]


def test_without_json_the_figures_are_lines(operations, tmp_path):
    if "demo" not in operations:
        pytest.skip("operation demo is not in this build")
    done = salina("demo", "--output", tmp_path / "delta", "--size=256", "--campaigns=1")
    assert done.returncode == 0, done.stderr
    assert re.search(r"^operation: demo$", done.stdout, flags=re.M)
    assert all(re.match(r"[a-z0-9_]+: ", line) for line in done.stdout.splitlines())


def test_progress_never_falls_when_it_is_not_a_terminal(small_demo):
    percents = [int(m) for m in re.findall(r"^ *(\d+) %", small_demo[1].stderr, flags=re.M)]
    assert percents and percents == sorted(percents) and percents[-1] == 100


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("seconds", [0.3, 1.5])
def test_an_interrupted_operation_gives_3_and_leaves_no_file(operations, tmp_path, number, seconds):
    if "demo" not in operations:
        pytest.skip("operation demo is not in this build")
    command = [SALINA, "demo", "--output", tmp_path / "delta", "--size", "2000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        time.sleep(seconds)
        program.send_signal(number)
        begun = time.monotonic()
        out, errors = program.communicate(timeout=60)
        waited = time.monotonic() - begun
    assert program.returncode == 3, errors
    assert out == "" and errors.rstrip().endswith("salina: cancelled")
    assert files(tmp_path) == []
    assert waited < 5
