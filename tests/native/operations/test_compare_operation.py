"""Compare models through the `salina` program on a small delta: the same folds as Train model, the table, the report, bad input, interruption.

SALINA_BUILD is the build folder (default: build/release).
"""

import csv
import json
import os
import signal
import subprocess
import time

import pytest

np = pytest.importorskip("numpy")
pytest.importorskip("osgeo.gdal")
from test_baselines_operation import run  # noqa: E402
from test_train_operation import BUILD, CAMPAIGNS, SALINA, delta, files, request, salina  # noqa: F401, E402

pytestmark = pytest.mark.skipif(not SALINA.exists(), reason=f"no salina in {BUILD}")
SYSTEMS = ("ridge", "plsr", "index", "spec_index", "ss_stack", "ss_soilnet")


def line(delta, folder, systems=SYSTEMS, **changes):
    arguments = {"stacks": [delta / f"{c}.tif" for c in CAMPAIGNS], "samples": delta / "samples.gpkg", "target": "salinity", "unit": "g/kg", "date_field": "campaign",
                 "systems": list(systems), "folds": 3, "seeds": 2, "epochs": 2, "window": 17, "output": folder / "table.csv", "report": folder / "report.html"}
    arguments.update(changes)
    words = ["compare"]
    for key, value in arguments.items():
        for one in value if isinstance(value, list) else [value]:
            words += [] if one is None else [f"--{key}", one]
    return words


@pytest.fixture(scope="module")
def compared(delta, tmp_path_factory):  # noqa: F811
    folder = tmp_path_factory.mktemp("compared")
    done = run(*line(delta, folder), "--json")
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout)


def test_a_report_may_be_pdf(delta, tmp_path):  # noqa: F811
    if "qt: not" in salina("--version").stdout:
        pytest.skip("built without Qt")
    run(*line(delta, tmp_path, systems=["ridge", "plsr"], seeds=1, report=tmp_path / "report.pdf"))
    assert (tmp_path / "report.pdf").read_bytes()[:5] == b"%PDF-" and files(tmp_path) == ["report.pdf", "table.csv"]


def test_table_report_and_json_agree(compared):
    folder, result = compared
    assert files(folder) == ["report.html", "table.csv"]
    with open(folder / "table.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["system"] for row in rows] == list(SYSTEMS) == [one["system"] for one in result["systems"]]
    for row, one in zip(rows, result["systems"]):
        assert float(row["r2_mean"]) == pytest.approx(one["r2_mean"], rel=1e-5)
        assert int(row["seeds"]) == one["seeds"] == (1 if one["system"] in ("ridge", "plsr") else 2)
        assert (row["r2_sd"] == "") == (one["r2_sd"] is None) == (one["seeds"] == 1)
        for key in ("r2_low", "r2_high", "rmse_low", "rmse_high"):
            assert float(row[key]) == pytest.approx(one[key], rel=1e-5)
    best = max(result["systems"], key=lambda one: one["r2_mean"])
    assert result["best"] == best["system"] and result["best_r2"] == pytest.approx(best["r2_mean"])
    page = (folder / "report.html").read_text()
    assert all(one["title"] in page for one in result["systems"]) and result["ranking"] in page and "NaN" not in page and "nan" not in page


def test_differences_are_those_of_the_means_and_lie_in_their_intervals(compared):
    _, result = compared
    scores = {one["system"]: one for one in result["systems"]}
    assert len(result["differences"]) == len(SYSTEMS) - 1
    for pair in result["differences"] + result["claims"]:
        assert pair["r2"] == pytest.approx(scores[pair["first"]]["r2_mean"] - scores[pair["second"]]["r2_mean"], abs=1e-6)
        assert pair["r2_low"] <= pair["r2"] <= pair["r2_high"] and pair["rmse_low"] <= pair["rmse"] <= pair["rmse_high"]
    assert [(c["first"], c["second"]) for c in result["claims"]] == [("ss_soilnet", "ss_stack"), ("ss_stack", "spec_index"), ("spec_index", "index")]
    verdicts = {c["verdict"] for c in result["claims"]}
    assert all((c["verdict"] == "fails") == (c["r2"] <= 0) and (c["verdict"] == "holds") == (c["r2_low"] > 0) for c in result["claims"])
    assert result["ranking"].startswith("does not hold" if "fails" in verdicts else "holds")


def test_bounds_hold_the_scores_and_stand_in_four_figures(compared):
    folder, result = compared
    for one in result["systems"]:
        assert one["r2_low"] < one["r2_mean"] < one["r2_high"] < 1 and 0 < one["rmse_low"] < one["rmse_mean"] < one["rmse_high"]
    page = (folder / "report.html").read_text()
    if "The figures are left out" in page:
        pytest.skip("no libsalina_qt")
    captions = [part.split("</p>")[0] for part in page.split('<p class="caption">Figure ')[1:]]
    assert [caption[:2] for caption in captions] == ["1.", "2.", "3.", "4."]
    best = next(one["title"] for one in result["systems"] if one["system"] == result["best"])
    assert all(best in caption for caption in captions[2:]) and "bounds by the bootstrap" in captions[0] and "bounds by the bootstrap" in captions[1]


@pytest.mark.parametrize("system", ["ridge", "ss_stack", "ss_soilnet"])
def test_a_system_scores_as_in_train_model(compared, delta, tmp_path, system):  # noqa: F811
    """The same folds, the same inputs: the mean over seeds of Train model's networks."""
    _, result = compared
    window = None if system == "ridge" else 17
    done = salina(*request(delta, tmp_path, system=system, seeds=2, width=None, window=window, report=None, predictions=None, epochs=None if system == "ridge" else 2), "--json")
    assert done.returncode == 0, done.stderr
    trained = json.loads(done.stdout)
    theirs = trained["by_seed"]["r2_mean"] if "by_seed" in trained else trained["r2"]
    ours = next(one for one in result["systems"] if one["system"] == system)
    assert ours["r2_mean"] == pytest.approx(theirs, abs=1e-9)
    if system == "ridge":  # one prediction in both: the same bootstrap but for its draws
        low, high = trained["scores"]["bounds"]["natural"]["rmse"]
        assert (ours["rmse_low"], ours["rmse_high"]) == pytest.approx((low, high), rel=0.15)


def test_the_same_comparison_twice_gives_the_same_numbers(compared, delta, tmp_path):  # noqa: F811
    _, first = compared
    done = salina(*line(delta, tmp_path, report=None), "--json")
    second = json.loads(done.stdout)
    strip = lambda result: [{k: v for k, v in one.items() if k != "seconds"} for one in result["systems"]]  # noqa: E731
    assert strip(first) == strip(second) and first["differences"] == second["differences"] and first["claims"] == second["claims"]


@pytest.mark.parametrize("changes, words", [
    ({"systems": ["ridge"]}, "1 system is nothing to compare"),
    ({"systems": ["ridge", "ridge"]}, "1 system is nothing to compare"),
    ({"systems": ["ridge", "forest"]}, 'there is no system "forest"'),
    ({"window": 18}, "window 18 does not fit"),
    ({"output": "/nowhere/table.csv"}, "/nowhere"),
    ({"folds": 60}, "folds"),
])
def test_bad_input_is_refused_and_leaves_nothing(delta, tmp_path, changes, words):  # noqa: F811
    done = salina(*line(delta, tmp_path, **changes))
    assert done.returncode in (1, 2) and words in done.stderr
    assert os.listdir(tmp_path) == []


def test_systems_in_one_word_list_or_all(delta, tmp_path):  # noqa: F811
    done = run(*line(delta, tmp_path, systems=["ridge plsr,index"], seeds=1, report=None), "--json")
    assert done.returncode == 0 and [one["system"] for one in json.loads(done.stdout)["systems"]] == ["ridge", "plsr", "index"]
    done = run(*line(delta, tmp_path, systems=["all"], seeds=1, report=None), "--json")
    assert done.returncode == 0 and len(json.loads(done.stdout)["systems"]) == 9


def test_an_interrupted_comparison_leaves_nothing(delta, tmp_path):  # noqa: F811
    process = subprocess.Popen([SALINA, *map(str, line(delta, tmp_path, systems=("ss_soilnet", "ss_stack"), epochs=1000))], stderr=subprocess.PIPE, text=True)
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    begun = time.time()
    _, log = process.communicate(timeout=30)
    assert process.returncode == 3, log
    assert time.time() - begun < 2
    assert os.listdir(tmp_path) == []
