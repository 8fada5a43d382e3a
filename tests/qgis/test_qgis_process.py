"""The algorithms as a script or a server calls them: `qgis_process`."""

import json

import pytest


def test_list_shows_the_four_algorithms(qgis_process, fake):
    done = qgis_process("list", SALINA_LIBRARY=str(fake()))
    assert done.returncode == 0
    for line in ("salina:covariates\tBuild covariate stack", "salina:train\tTrain model", "salina:retrieve\tRetrieve salinity", "salina:demo\tCreate demo delta"):
        assert line in done.stdout


def test_help_is_plain_text_with_every_parameter(qgis_process, fake):
    done = qgis_process("help", "salina:demo", SALINA_LIBRARY=str(fake()))
    assert done.returncode == 0 and "First paragraph." in done.stdout and "SEED" in done.stdout and "What seed means." in done.stdout
    assert "<p>" not in done.stdout and "&quot;" not in done.stdout


def test_json_result_holds_every_figure(qgis_process, fake, tmp_path):
    done = qgis_process("--json", "run", "salina:demo", f"--OUTPUT={tmp_path / 'out'}", "--SEED=4", SALINA_LIBRARY=str(fake()))
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)["results"]
    assert results["SCORE"] == 0.5 and results["NOTE"] == "café"
    assert json.loads(results["ECHO"]) == {"output": str(tmp_path / "out"), "seed": 4}


def test_failure_exits_with_1_and_the_sentence(qgis_process, fake, tmp_path):
    points = tmp_path / "points.geojson"
    points.write_text(
        '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{},"geometry":{"type":"Point","coordinates":[0,0]}}]}'
    )
    done = qgis_process("run", "salina:train", f"--SAMPLES={points}", f"--OUTPUT={tmp_path / 'm.safetensors'}", SALINA_LIBRARY=str(fake()))
    assert done.returncode == 1
    assert 'target "EC" of layer "points" is constant; choose another field' in done.stderr


def test_value_out_of_bounds_exits_with_1(qgis_process, fake, tmp_path):
    done = qgis_process("run", "salina:demo", f"--OUTPUT={tmp_path / 'out'}", "--SEED=400", SALINA_LIBRARY=str(fake()))
    assert done.returncode == 1 and "Seed: 400 is outside 0 to 100" in done.stderr


def test_missing_library_exits_with_1_and_says_what_to_install(qgis_process, tmp_path):
    done = qgis_process("run", "salina:demo", f"--OUTPUT={tmp_path / 'out'}", SALINA_LIBRARY="/nowhere/libsalina.so")
    assert done.returncode == 1 and "/nowhere/libsalina.so" in done.stderr + done.stdout
