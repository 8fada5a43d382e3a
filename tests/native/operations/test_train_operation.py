"""Train model through the `salina` program on a small delta: what it writes, bad input, interruption, kill and resume, full disk.

SALINA_BUILD is the build folder (default: build/release).
"""

import hashlib
import json
import os
import resource
import shutil
import signal
import struct
import subprocess
import time
from pathlib import Path

import pytest

np = pytest.importorskip("numpy")
gdal = pytest.importorskip("osgeo.gdal")
ogr = pytest.importorskip("osgeo.ogr")
osr = pytest.importorskip("osgeo.osr")
gdal.UseExceptions()
ogr.UseExceptions()

REPO = Path(__file__).parents[3]
BUILD = Path(os.environ.get("SALINA_BUILD", REPO / "build" / "release"))
SALINA = BUILD / "bin" / "salina"
CAMPAIGNS = ("2019-07", "2020-03")

pytestmark = pytest.mark.skipif(not SALINA.exists(), reason=f"no salina in {BUILD}")


def salina(*arguments, **more):
    return subprocess.run([SALINA, *map(str, arguments)], capture_output=True, text=True, timeout=300, **more)


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def delta(tmp_path_factory):
    folder = tmp_path_factory.mktemp("train") / "delta"
    done = salina("demo", "--output", folder, "--size", 256, "--campaigns", 2, "--samples", 120)
    assert done.returncode == 0, done.stderr
    for campaign in CAMPAIGNS:
        scene = next(folder.glob(f"scene_{campaign}*.tif"))
        done = salina("covariates", "--scene", scene, "--dem", folder / "dem.tif", "--extra", folder / f"phenology_{campaign}.tif",
                      "--campaign", campaign, "--output", folder / f"{campaign}.tif")
        assert done.returncode == 0, done.stderr
    return folder


def request(delta, output, **changes):
    """Arguments of a short training; None takes one away."""
    arguments = {"stacks": [delta / f"{c}.tif" for c in CAMPAIGNS], "samples": delta / "samples.gpkg", "target": "salinity", "unit": "g/kg",
                 "date_field": "campaign", "window": 17, "epochs": 2, "width": 16, "folds": 3, "output": output / "model.safetensors",
                 "report": output / "report.html", "predictions": output / "predictions.gpkg"}
    arguments.update(changes)
    line = ["train"]
    for key, value in arguments.items():
        for one in value if isinstance(value, list) else [value]:
            line += [] if one is None else [f"--{key}", one]
    return line


def tensors(path):
    """The part of a .safetensors file after its header, and the names and places in it."""
    content = Path(path).read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8:8 + length])
    meta = header.pop("__metadata__")
    return header, content[8 + length:], meta


def test_scenes_and_stacks_mark_red_green_and_blue(delta):
    wanted = {"B04": gdal.GCI_RedBand, "B03": gdal.GCI_GreenBand, "B02": gdal.GCI_BlueBand}
    for path in (first_stack(delta), next(delta.glob("scene_*.tif"))):
        source = gdal.Open(str(path))
        bands = [source.GetRasterBand(k + 1) for k in range(source.RasterCount)]
        assert {b.GetDescription(): b.GetColorInterpretation() for b in bands if b.GetColorInterpretation() > gdal.GCI_GrayIndex} == wanted


# ---- what it writes ----

@pytest.fixture(scope="module")
def trained(delta, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    done = salina(*request(delta, folder), "--json")
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout)


def test_writes_model_report_and_predictions_and_nothing_else(trained):
    folder, result = trained
    assert files(folder) == ["model.safetensors", "predictions.gpkg", "report.html"]
    assert result["samples"] == 120 and result["validation"] == "random"


def test_scores_are_those_of_the_predictions_layer(trained):
    folder, result = trained
    layer = ogr.Open(str(folder / "predictions.gpkg"))
    rows = [(f["observed"], f["predicted"], f["lower"], f["upper"], f["fold"]) for f in layer.GetLayer(0)]
    observed, predicted, lower, upper, fold = map(np.array, zip(*rows))
    assert len(rows) == 120 and set(fold) == {1, 2, 3}
    error = predicted - observed
    assert result["r2"] == pytest.approx(1 - (error**2).sum() / ((observed - observed.mean()) ** 2).sum(), abs=1e-9)
    assert result["rmse"] == pytest.approx((error**2).mean() ** 0.5) and result["bias"] == pytest.approx(error.mean())
    assert result["coverage_90"] == pytest.approx(np.mean((lower <= observed) & (observed <= upper)))
    assert (lower <= predicted).all() and (predicted <= upper).all()


def test_median_and_mean_are_both_scored_and_the_mean_with_the_factor_of_the_other_folds(trained):
    folder, result = trained
    layer = ogr.Open(str(folder / "predictions.gpkg"))
    observed, predicted, fold = map(np.array, zip(*[(f["observed"], f["predicted"], f["fold"]) for f in layer.GetLayer(0)]))
    factor = lambda keep: (1 + observed[keep]).sum() / (1 + predicted[keep]).sum()
    assert result["mean_factor"] == pytest.approx(factor(fold > 0))
    mean = predicted.copy()
    for k in set(fold):
        mean[fold == k] = np.maximum(factor(fold != k) * (1 + predicted[fold == k]) - 1, 0)
    for name, values in (("median", predicted), ("mean", mean)):
        error, scores = values - observed, result["centres"][name]
        assert scores["bias"] == pytest.approx(error.mean()) and scores["rmse"] == pytest.approx((error**2).mean() ** 0.5)
        assert scores["r2"] == pytest.approx(1 - (error**2).sum() / ((observed - observed.mean()) ** 2).sum())
    meta = json.loads(tensors(folder / "model.safetensors")[2]["salina"])
    assert meta["mean_factor"] == result["mean_factor"] and meta["scores"]["random"]["centres"] == result["centres"]
    page = (folder / "report.html").read_text()
    assert "Two centres of the same prediction" in page and f'{result["centres"]["mean"]["bias"]:+.3f}' in page.replace("\u2212", "-").replace("&minus;", "-")


def test_without_a_transform_the_mean_factor_is_1(delta, tmp_path):
    done = salina(*request(delta, tmp_path, transform="none"), "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["mean_factor"] == 1 and result["centres"]["mean"] == result["centres"]["median"]


def test_model_says_what_it_was_made_of(trained):
    header, _, meta = tensors(trained[0] / "model.safetensors")
    text = json.dumps(meta)
    for word in ("Sentinel-2", "g/kg", "salinity", "B8A", "REL_ELEV", "sha256"):
        assert word in text
    assert any("trunk/stage1" in name for name in header)


def test_report_is_one_page_that_fetches_nothing(trained):
    page = (trained[0] / "report.html").read_text()
    assert "SS-SoilNet" in page and "g/kg" in page
    assert "<script" not in page and "http:" not in page and "https:" not in page
    assert page.count(" src=") == page.count(' src="data:image/')


def has_figures():
    return "qt: not in this build" not in salina("--version").stdout


def test_report_has_its_figures_or_says_why_not(trained, delta, tmp_path):
    page = (trained[0] / "report.html").read_text()
    assert (page.count("data:image/") >= 5) == has_figures() and ("The figures are left out" in page) != has_figures()
    done = salina(*request(delta, tmp_path, system="index", epochs=1), env={**os.environ, "SALINA_QT_LIBRARY": "/nowhere/libsalina_qt.so"})
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "report.html").read_text()
    assert "data:image/" not in page and page.count("The figures are left out") == 1 and page.count("<table>") >= 8


def test_report_has_a_model_card_and_the_result_has_its_numbers(trained, delta):
    folder, result = trained
    page = (folder / "report.html").read_text()
    hashes = [hashlib.sha256((delta / f"{c}.tif").read_bytes()).hexdigest() for c in CAMPAIGNS]
    assert [one.get("sha256") for one in result["inputs"]][:2] == hashes and all(one in page for one in hashes)
    for words in ("In short", "Limits", "Model card", "learning_rate", "0.003", "2019-07.tif", "Versions"):
        assert words in page
    assert f"up to {max(c['most'] for c in result['data']['campaigns']):.4g} g/kg" in page
    assert sum(c["samples"] for c in result["data"]["campaigns"]) == result["samples"]
    assert np.array(result["losses"]).shape == (4, 2) and result["parameters"] > 1000 and f'{result["parameters"]} parameters' in page


def test_reliability_at_90_percent_is_the_coverage_of_the_scores_and_rises_with_what_is_asked(trained):
    result = trained[1]
    asked, found = ([one[key] for one in result["reliability"]] for key in ("asked", "found"))
    assert asked == [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99] and found == sorted(found) and found[-1] > found[0]
    nine = result["reliability"][4]
    assert nine["found"] == pytest.approx(result["coverage_90"], abs=1.5 / result["samples"])
    sampled = [one for one in result["scores"]["classes"] if one["n"]]
    assert len(sampled) > 2
    for one in sampled:  # near, as a value at a limit of an interval may round to either side on the other scale
        assert nine["by_class"][one["name"]] == pytest.approx(one["picp"], abs=1.5 / one["n"])
    assert "for any coverage that is asked for" in (trained[0] / "report.html").read_text() or not has_figures()


def test_predictive_distributions_are_scored_over_all_and_by_class(trained):
    folder, result = trained
    d = result["distribution"]
    layer = ogr.Open(str(folder / "predictions.gpkg"))
    observed, predicted, pit = (np.array([f[key] for f in layer.GetLayer(0)]) for key in ("observed", "predicted", "pit"))
    assert (pit > 0).all() and (pit < 1).all()
    assert d["all"]["pit_mean"] == pytest.approx(pit.mean()) and d["all"]["pit_sd"] == pytest.approx(pit.std(ddof=1))
    assert d["all"]["pit_tenths"] == pytest.approx(np.histogram(pit, np.linspace(0, 1, 11))[0] / 120)
    assert d["quantiles"] == [0.005, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.5, 0.75, 0.8, 0.85, 0.9, 0.95, 0.975, 0.995]
    assert d["all"]["picp"] == pytest.approx(result["coverage_90"]) and d["all"]["interval_score"] == pytest.approx(result["scores"]["interval"]["score"])
    assert d["all"]["qcp"] == sorted(d["all"]["qcp"]) and d["all"]["qcp"][7] == pytest.approx((observed <= predicted).mean())
    assert 0 < d["all"]["crps"] < d["all"]["interval_score"]
    for one, scored in zip(d["observed_classes"], result["scores"]["classes"]):
        assert one["name"] == scored["name"] and one["n"] == scored["n"] and (not one["n"] or one["picp"] == pytest.approx(scored["picp"]))
    assert sum(one["n"] for one in d["predicted_classes"]) == 120
    page = (folder / "report.html").read_text()
    assert "Predictive distributions, by observed class" in page and f"{d['all']['crps']:.3f}" in page
    assert "Where observations fall in their predictive distributions" in page or not has_figures()


@pytest.fixture(scope="module")
def other_intervals(delta, tmp_path_factory):
    """Ridge, which has no quantiles, and the network, by every rule: folder and result."""
    made = {}
    for system in ("ridge", "ss_soilnet"):
        for rule in ("classwise", "marginal", "split", "normalised"):
            folder = tmp_path_factory.mktemp(f"{system}-{rule}")
            done = salina(*request(delta, folder, system=system, intervals=rule, report=None), "--json")
            assert done.returncode == 0, done.stderr
            made[system, rule] = folder, json.loads(done.stdout)
    return made


@pytest.mark.parametrize("system", ["ridge", "ss_soilnet"])
def test_rules_for_intervals_differ_and_the_map_follows_the_one_in_the_model(other_intervals, delta, tmp_path, system):
    widths, shares, calibrations = {}, {}, {}
    for rule in ("classwise", "marginal", "split", "normalised"):
        folder, result = other_intervals[system, rule]
        conformal = json.loads(tensors(folder / "model.safetensors")[2]["salina"])["conformal"]
        calibrations[rule] = [conformal[f"q{level}"] for level in (50, 60, 70, 80, 90, 95, 99)]
        kind = {"classwise": "additive" if system == "ridge" else "scaled", "normalised": "normalised"}.get(rule, "residual")
        assert conformal["kind"] == kind and conformal["by"] == ("sliding" if rule == "classwise" else "pooled")
        assert ("difficulty" in conformal) == (rule == "normalised" and system == "ridge")
        layer = ogr.Open(str(folder / "predictions.gpkg"))
        folds = [f["fold"] for f in layer.GetLayer(0)]
        if rule == "classwise":  # windows of 40 on each side where so few samples are
            assert len(conformal["labels"]) == len(conformal["n"]) and all(41 <= n <= 120 for n in conformal["n"])
        else:
            assert sum(conformal["n"]) == (max(folds.count(k) for k in set(folds)) if rule == "split" else 120)
        done = salina("retrieve", "--stack", first_stack(delta), "--model", folder / "model.safetensors", "--output", tmp_path / f"{rule}.tif")
        assert done.returncode == 0, done.stderr
        salinity, low, high = gdal.Open(str(tmp_path / f"{rule}.tif")).ReadAsArray()[:3].astype(float)
        seen = np.isfinite(salinity)
        assert (low[seen] <= salinity[seen]).all() and (salinity[seen] <= high[seen]).all()
        widths[rule] = np.where(seen, high - low, 0)
        if rule in ("marginal", "split"):  # one half width on the scale of log(1 + value)
            half = (np.log1p(high) - np.log1p(salinity))[seen & (salinity > 0)]  # 0 stands for all below
            assert half.size > 10000 and np.abs(half - conformal["q90"][0]).max() < 1e-4
        shares[rule] = result["coverage_90"]
        assert 0.75 <= shares[rule] <= 1
    rules = list(widths)
    for k, rule in enumerate(rules):
        for other in rules[:k]:
            assert calibrations[rule] != calibrations[other]
            if {rule, other} != {"marginal", "split"}:  # one ranked residual of so few samples may be both
                assert np.abs(widths[rule] - widths[other]).max() > 1e-3, (rule, other)


def test_split_with_folds_that_are_too_small_is_refused_before_training(delta, tmp_path):
    done = salina(*request(delta, tmp_path, intervals="split", folds=20, epochs=1000))
    assert done.returncode in (1, 2) and "largest of the 20 folds hold" in done.stderr and "intervals classwise" in done.stderr
    assert files(tmp_path) == []


def test_report_named_pdf_is_a_pdf(delta, tmp_path):
    if not has_figures():
        pytest.skip("this build has no figures")
    done = salina(*request(delta, tmp_path, system="index", epochs=1, report=tmp_path / "report.pdf"))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF") and (tmp_path / "report.pdf").stat().st_size > 50000


def test_report_named_pdf_is_refused_before_training_where_there_is_no_qt(delta, tmp_path):
    environment = {**os.environ, "SALINA_QT_LIBRARY": "/nowhere/libsalina_qt.so"}
    begun = time.monotonic()
    done = salina(*request(delta, tmp_path, epochs=1000, report=tmp_path / "report.pdf"), env=environment)
    assert done.returncode == 1 and "write it as .html" in done.stderr and time.monotonic() - begun < 20
    assert files(tmp_path) == []


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_threads_do_not_change_a_bit(delta, trained, tmp_path, threads):
    done = salina(*request(delta, tmp_path, threads=threads), "--json")
    assert done.returncode == 0, done.stderr
    assert tensors(tmp_path / "model.safetensors")[:2] == tensors(trained[0] / "model.safetensors")[:2]
    ours, theirs = json.loads(done.stdout), trained[1]
    assert ours["scores"] == theirs["scores"]


@pytest.mark.parametrize("system", ["ss_stack", "spec_index", "index"])
def test_ablations_train_without_a_window(delta, tmp_path, system):
    done = salina(*request(delta, tmp_path, system=system, window=None), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["overlap_share"] <= 1


def test_blocks_keep_windows_apart(delta, tmp_path):
    done = salina(*request(delta, tmp_path, validation="blocks", block_size=400), "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["validation"] == "blocks" and result["overlap_share"] == 0


def test_seeds_show_their_spread(delta, tmp_path):
    done = salina(*request(delta, tmp_path, seeds=3), "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    spread = result["by_seed"]
    assert len(spread["r2"]) == len(spread["rmse"]) == 3 and len(set(spread["r2"])) == 3
    assert spread["r2_mean"] == pytest.approx(np.mean(spread["r2"])) and spread["r2_sd"] == pytest.approx(np.std(spread["r2"], ddof=1))
    assert spread["rmse_mean"] == pytest.approx(np.mean(spread["rmse"])) and spread["rmse_sd"] == pytest.approx(np.std(spread["rmse"], ddof=1))
    assert "each network alone" in (tmp_path / "report.html").read_text()


# ---- bad input ----

def copy_stack(source, target, change=lambda values, b: values, names=None, shape=None, transform=None, crs=True, sensor=None, bands=None):
    """A copy of a stack with changed values, names, size, geometry, CRS or sensor."""
    old = gdal.Open(str(source))
    bands = bands or list(range(1, old.RasterCount + 1))
    rows, columns = shape or (old.RasterYSize, old.RasterXSize)
    new = gdal.GetDriverByName("GTiff").Create(str(target), columns, rows, len(bands), old.GetRasterBand(1).DataType)
    new.SetGeoTransform(transform or old.GetGeoTransform())
    if crs is True:
        new.SetProjection(old.GetProjection())
    elif crs:
        reference = osr.SpatialReference()
        reference.ImportFromEPSG(crs)
        new.SetProjection(reference.ExportToWkt())
    domain = old.GetMetadata("SALINA")
    if sensor is not None:
        domain["SENSOR"] = sensor
    new.SetMetadata(domain, "SALINA")
    for k, b in enumerate(bands, 1):
        a, z = old.GetRasterBand(b), new.GetRasterBand(k)
        z.WriteArray(change(a.ReadAsArray(0, 0, columns, rows), b))
        z.SetDescription((names or {}).get(a.GetDescription(), a.GetDescription()))
        if a.GetNoDataValue() is not None:
            z.SetNoDataValue(a.GetNoDataValue())
        if a.GetScale() is not None:
            z.SetScale(a.GetScale())
            z.SetOffset(a.GetOffset() or 0)
    new = None
    return target


def write_samples(path, rows, kind=ogr.OFTReal, crs=32650):
    """rows: (x, y, salinity, campaign)."""
    reference = None
    if crs:
        reference = osr.SpatialReference()
        reference.ImportFromEPSG(crs)
        reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    source = ogr.GetDriverByName("GPKG").CreateDataSource(str(path))
    layer = source.CreateLayer("samples", reference, ogr.wkbPoint)
    layer.CreateField(ogr.FieldDefn("salinity", kind))
    layer.CreateField(ogr.FieldDefn("campaign", ogr.OFTString))
    layer.StartTransaction()
    for x, y, value, campaign in rows:
        feature = ogr.Feature(layer.GetLayerDefn())
        feature.SetGeometry(ogr.CreateGeometryFromWkt(f"POINT ({x} {y})"))
        if value is not None:
            feature["salinity"] = value
        feature["campaign"] = campaign
        layer.CreateFeature(feature)
    layer.CommitTransaction()
    source = None
    return path


def read_samples(delta):
    source = ogr.Open(str(delta / "samples.gpkg"))
    return [(f.GetGeometryRef().GetX(), f.GetGeometryRef().GetY(), f["salinity"], f["campaign"]) for f in source.GetLayer(0)]


def first_stack(delta):
    return delta / f"{CAMPAIGNS[0]}.tif"


def changed(delta, folder, **how):
    return {"stacks": [copy_stack(first_stack(delta), folder / "changed.tif", **how), delta / f"{CAMPAIGNS[1]}.tif"]}


def only(delta, folder, **how):
    return {"stacks": [copy_stack(first_stack(delta), folder / "changed.tif", **how)], "date_field": None}


def samples(delta, folder, change, **how):
    return {"samples": write_samples(folder / "samples.gpkg", [change(i, *row) for i, row in enumerate(read_samples(delta))], **how)}


def truncated(delta, folder):
    shutil.copy(first_stack(delta), folder / "changed.tif")
    os.truncate(folder / "changed.tif", (folder / "changed.tif").stat().st_size // 3)
    return {"stacks": [folder / "changed.tif", delta / f"{CAMPAIGNS[1]}.tif"]}


def band_index(delta, name):
    old = gdal.Open(str(first_stack(delta)))
    return [old.GetRasterBand(b + 1).GetDescription() for b in range(old.RasterCount)].index(name) + 1


def without(delta, *names):
    gone = {band_index(delta, name) for name in names}
    return [b for b in range(1, gdal.Open(str(first_stack(delta))).RasterCount + 1) if b not in gone]


BAD = {
    "stack without CRS": (lambda d, f: changed(d, f, crs=None), "changed.tif"),
    "stack in degrees": (lambda d, f: changed(d, f, crs=4326, transform=(117, 1e-4, 0, 37, 0, -1e-4)), "metre"),
    "samples without CRS": (lambda d, f: samples(d, f, lambda i, *r: r, crs=None), "no coordinate reference system"),
    "samples in another zone": (lambda d, f: samples(d, f, lambda i, *r: r, crs=32632), "no sample lies on a stack"),
    "no overlap": (lambda d, f: samples(d, f, lambda i, x, y, v, c: (x + 1e5, y, v, c)), "no sample lies on a stack"),
    "red renamed": (lambda d, f: only(d, f, names={"B04": "ROT"}), "red and near-infrared"),
    "near-infrared missing": (lambda d, f: only(d, f, bands=without(d, "B08", "B8A")), "near-infrared"),
    "no bands": (lambda d, f: only(d, f, bands=[band_index(d, "DEM"), band_index(d, "SLOPE")]), "spectral bands"),
    "band twice": (lambda d, f: changed(d, f, names={"B03": "B02"}), 'two bands named "B02"'),
    "samples on nodata": (lambda d, f: only(d, f, change=lambda v, b: np.full_like(v, -32768 if v.dtype == np.int16 else np.nan)), "valid pixels"),
    "negative target": (lambda d, f: samples(d, f, lambda i, x, y, v, c: (x, y, -1.0 if i == 7 else v, c)), "negative"),
    "text target": (lambda d, f: samples(d, f, lambda i, x, y, v, c: (x, y, "high", c), kind=ogr.OFTString), "salinity"),
    "missing target": (lambda d, f: samples(d, f, lambda i, x, y, v, c: (x, y, None, c)), "salinity"),
    "constant target": (lambda d, f: samples(d, f, lambda i, x, y, v, c: (x, y, 3.0, c)), 'have the same "salinity", 3'),
    "no such field": (lambda d, f: {"target": "salt"}, 'salt'),
    "three samples": (lambda d, f: {"samples": write_samples(f / "s.gpkg", read_samples(d)[:3])}, "3 samples"),
    "rotated": (lambda d, f: changed(d, f, transform=(5e5, 9, 4, 4e6, 4, -9)), "rotated"),
    "truncated": (truncated, "changed.tif"),
    "not a raster": (lambda d, f: {"stacks": [d / "README.txt"]}, "README.txt"),
    "missing file": (lambda d, f: {"stacks": [d / "nowhere.tif"]}, "nowhere.tif"),
    "no date field": (lambda d, f: {"date_field": None}, "date_field is needed to tell which of the 2 stacks"),
    "unknown campaign": (lambda d, f: samples(d, f, lambda i, x, y, v, c: (x, y, v, "spring" if i % 2 else "autumn")), 'neither a date like 2020-06-15 nor a campaign'),
    "window that does not fit": (lambda d, f: {"window": 20}, "window 20 does not fit"),
    "width that does not fit": (lambda d, f: {"width": 18}, "width 18 is not a multiple of 4"),
    "other sensor": (lambda d, f: changed(d, f, sensor="Landsat 8/9"), "train one model for each sensor"),
    "other pixel size": (lambda d, f: changed(d, f, transform=(5e5, 20, 0, 4e6, 0, -20)), "20 m and|10 m"),
    "unknown scheme": (lambda d, f: {"scheme": "salty"}, 'no class scheme "salty"'),
    "more folds than samples": (lambda d, f: {"samples": write_samples(f / "s.gpkg", read_samples(d)[:30]), "folds": 20}, "at least 80"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_answered_in_one_sentence_and_nothing_is_written(delta, tmp_path, name):
    change, words = BAD[name]
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    done = salina(*request(delta, tmp_path / "out", **change(delta, tmp_path / "in")))
    lines = [line for line in done.stderr.splitlines() if line.startswith("salina: ")]
    print(done.stderr)
    assert done.returncode in (1, 2) and done.stdout == ""
    assert len(lines) == 1 and len(lines[0]) < 500
    assert any(word in lines[0] for word in words.split("|"))
    assert files(tmp_path / "out") == []


def test_one_row_raster_trains_at_the_pixel_and_is_refused_where_no_sample_lies(delta, tmp_path):
    row = copy_stack(first_stack(delta), tmp_path / "row.tif", shape=(1, 256))
    grid = gdal.Open(str(row)).GetGeoTransform()
    points = [(grid[0] + 10 * k + 5, grid[3] - 5, 1 + k % 7, "x") for k in range(0, 250, 5)]
    line = {"stacks": [row], "samples": write_samples(tmp_path / "s.gpkg", points), "date_field": None}
    (tmp_path / "out").mkdir()
    assert salina(*request(delta, tmp_path / "out", **line)).returncode == 0
    done = salina(*request(delta, tmp_path / "out2", **{**line, "samples": delta / "samples.gpkg"}))
    assert done.returncode == 1 and "out2" in done.stderr
    (tmp_path / "out2").mkdir()
    done = salina(*request(delta, tmp_path / "out2", **{**line, "samples": delta / "samples.gpkg"}))
    assert done.returncode == 1 and ("no sample lies on a stack" in done.stderr or "valid pixels" in done.stderr)
    assert files(tmp_path / "out2") == []


def log_of(done):
    assert done.returncode == 0, done.stderr
    return [line["text"] for line in json.loads(done.stdout)["log"] if line["warning"]]


def test_samples_without_a_number_are_left_out_with_a_warning(delta, tmp_path):
    def change(i, x, y, value, campaign):
        return x, y, float("nan") if i < 4 else None if i < 7 else value, campaign
    done = salina(*request(delta, tmp_path, **samples(delta, tmp_path, change)), "--json")
    warnings = log_of(done)
    assert json.loads(done.stdout)["samples"] == 113
    assert '7 samples without "salinity" were left out' in warnings


def test_samples_outside_the_stack_are_left_out_with_a_warning(delta, tmp_path):
    done = salina(*request(delta, tmp_path, **samples(delta, tmp_path, lambda i, x, y, v, c: (x + 1e5 * (i < 5), y, v, c))), "--json")
    assert any("5 of 120" in line for line in log_of(done)), log_of(done)
    assert json.loads(done.stdout)["samples"] == 115


def test_duplicate_points_are_merged_or_named(delta, tmp_path):
    rows = read_samples(delta)
    same = write_samples(tmp_path / "same.gpkg", rows + rows[:6])
    done = salina(*request(delta, tmp_path, samples=same), "--json")
    assert json.loads(done.stdout)["samples"] == 120
    log = [line["text"] for line in json.loads(done.stdout)["log"]]
    assert any("6 samples repeat another one exactly" in line for line in log), log
    other = write_samples(tmp_path / "other.gpkg", rows + [(x, y, v + 1, c) for x, y, v, c in rows[:6]])
    done = salina(*request(delta, tmp_path, samples=other), "--json")
    assert json.loads(done.stdout)["samples"] == 126
    assert any("pixel" in line for line in log_of(done)), log_of(done)


def test_samples_in_degrees_give_the_same_pixels(delta, trained, tmp_path):
    utm, degrees = osr.SpatialReference(), osr.SpatialReference()
    utm.ImportFromEPSG(32650)
    degrees.ImportFromEPSG(4326)
    for reference in (utm, degrees):
        reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    turn = osr.CoordinateTransformation(utm, degrees)
    rows = [(*turn.TransformPoint(x, y)[:2], v, c) for x, y, v, c in read_samples(delta)]
    done = salina(*request(delta, tmp_path, samples=write_samples(tmp_path / "s.gpkg", rows, crs=4326)), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["r2"] == pytest.approx(trained[1]["r2"], abs=1e-12)


@pytest.mark.parametrize("key", ["output", "report", "predictions"])
def test_folder_that_takes_no_file_is_found_before_training(delta, tmp_path, key):
    suffix = {"output": "m.safetensors", "report": "r.html", "predictions": "p.gpkg"}[key]
    (tmp_path / "out").mkdir()
    begun = time.monotonic()
    line = request(delta, tmp_path / "out", epochs=1000)
    where = line.index(f"--{key}") + 1
    line[where] = tmp_path / "not" / "there" / suffix
    done = salina(*line)
    assert done.returncode == 1 and "there" in done.stderr and done.stderr.count("salina: ") == 1
    assert time.monotonic() - begun < 5 and files(tmp_path) == []
    line[where] = f"/proc/{suffix}"  # takes no file, even from root
    done = salina(*line)
    assert done.returncode == 1 and "/proc" in done.stderr
    assert files(tmp_path) == []


@pytest.mark.parametrize("limit", [0, 4096, 60_000, 150_000])
def test_full_disk_leaves_nothing_but_a_checkpoint_to_go_on_from(delta, trained, tmp_path, limit):
    def small_disk():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    done = salina(*request(delta, tmp_path), preexec_fn=small_disk, restore_signals=False)
    assert done.returncode == 1 and done.stderr.count("salina: ") == 1, done.stderr
    left = files(tmp_path)
    assert left in ([], ["model.safetensors.checkpoint"]) and (left or limit < 60_000)
    done = salina(*request(delta, tmp_path), "--json")
    assert done.returncode == 0 and ("goes on from checkpoint" in done.stdout) == bool(left)
    assert tensors(tmp_path / "model.safetensors")[:2] == tensors(trained[0] / "model.safetensors")[:2]


# ---- interruption, kill, resume ----

def hear_interrupts():
    """In the child: a shell lets what it runs in the background ignore SIGINT, and a signal before main() has set its handler would be lost."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("seconds", [0.05, 0.2, 0.4, 0.8, 1.6])
def test_interrupted_training_gives_3_and_leaves_no_file(delta, tmp_path, seconds):
    program = subprocess.Popen([SALINA, *map(str, request(delta, tmp_path, epochs=400))], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=hear_interrupts)
    time.sleep(seconds)
    program.send_signal(signal.SIGINT)
    begun = time.monotonic()
    out, message = program.communicate(timeout=60)
    if seconds < 0.15 and program.returncode == -signal.SIGINT:
        return  # before main() had set its handler
    assert program.returncode == 3, message
    assert time.monotonic() - begun < 3  # 0.5 s on an idle machine
    assert files(tmp_path) == [] and out == ""


def test_interrupted_at_the_end_leaves_all_or_nothing(delta, tmp_path):
    begun = time.monotonic()
    assert salina(*request(delta, tmp_path)).returncode == 0
    whole = time.monotonic() - begun
    complete = files(tmp_path)
    for share in (0.8, 0.85, 0.9, 0.95, 1.0):
        shutil.rmtree(tmp_path)
        tmp_path.mkdir()
        program = subprocess.Popen([SALINA, *map(str, request(delta, tmp_path))], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(share * whole)
        program.send_signal(signal.SIGINT)
        program.communicate(timeout=60)
        assert files(tmp_path) == ([] if program.returncode == 3 else complete)


def rows_of(path):
    source = ogr.Open(str(path))
    return [tuple(f[i] for i in range(f.GetFieldCount())) for f in source.GetLayer(0)]


def kill_at(delta, folder, wait, **changes):
    """Starts a training and kills it once `wait(checkpoint)` says so."""
    program = subprocess.Popen([SALINA, *map(str, request(delta, folder, **changes))], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    checkpoint = folder / "model.safetensors.checkpoint"
    end = time.monotonic() + 120
    while not wait(checkpoint) and program.poll() is None and time.monotonic() < end:
        time.sleep(0.005)
    assert program.poll() is None, "the training was over too soon to be killed"
    program.kill()
    program.wait()
    return checkpoint


def test_killed_training_goes_on_to_the_same_bytes(delta, tmp_path):
    whole, torn = tmp_path / "whole", tmp_path / "torn"
    whole.mkdir()
    torn.mkdir()
    assert salina(*request(delta, whole, epochs=40)).returncode == 0
    seen = set()

    def new_checkpoint(path):
        try:
            stamp = path.stat().st_mtime_ns
        except FileNotFoundError:
            return False
        fresh = stamp not in seen
        seen.add(stamp)
        return fresh
    kill_at(delta, torn, new_checkpoint, epochs=40)
    checkpoint = kill_at(delta, torn, new_checkpoint, epochs=40)
    assert checkpoint.exists() and not (torn / "model.safetensors").exists()
    done = salina(*request(delta, torn, epochs=40), "--json")
    assert done.returncode == 0, done.stderr
    assert "goes on from checkpoint" in done.stdout
    assert tensors(torn / "model.safetensors")[:2] == tensors(whole / "model.safetensors")[:2]
    assert rows_of(torn / "predictions.gpkg") == rows_of(whole / "predictions.gpkg")
    assert not checkpoint.exists()


def test_time_limit_keeps_a_checkpoint_from_which_training_goes_on(delta, trained, tmp_path):
    done = salina(*request(delta, tmp_path, max_minutes=1e-6))
    assert done.returncode == 1 and "run the same training again to go on from checkpoint" in done.stderr
    assert files(tmp_path) == ["model.safetensors.checkpoint"]
    done = salina(*request(delta, tmp_path), "--json")
    assert done.returncode == 0 and "goes on from checkpoint" in done.stdout
    assert tensors(tmp_path / "model.safetensors")[:2] == tensors(trained[0] / "model.safetensors")[:2]


def test_output_that_fails_after_training_leaves_the_checkpoint_to_go_on_from(delta, trained, tmp_path):
    checkpoint, model = tmp_path / "model.safetensors.checkpoint", tmp_path / "model.safetensors"
    program = subprocess.Popen([SALINA, *map(str, request(delta, tmp_path))], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 60
    while not checkpoint.exists() and program.poll() is None and time.monotonic() < end:
        time.sleep(0.001)
    model.mkdir()  # a name that no file can take any more
    _, message = program.communicate(timeout=300)
    assert program.returncode == 1 and message.count("salina: ") == 1 and "model.safetensors" in message, message
    assert files(tmp_path) == ["model.safetensors.checkpoint"]
    model.rmdir()
    done = salina(*request(delta, tmp_path), "--json")
    assert done.returncode == 0, done.stderr
    assert "all 4 networks are trained" in done.stdout and json.loads(done.stdout)["samples_per_second"] is None
    assert tensors(model)[:2] == tensors(trained[0] / "model.safetensors")[:2]
    assert rows_of(tmp_path / "predictions.gpkg") == rows_of(trained[0] / "predictions.gpkg")
    assert json.loads(done.stdout)["scores"] == trained[1]["scores"]
    assert files(tmp_path) == ["model.safetensors", "predictions.gpkg", "report.html"]


def test_checkpoint_of_another_training_is_named_and_left_aside(delta, trained, tmp_path):
    salina(*request(delta, tmp_path, max_minutes=1e-6, seed=2))
    done = salina(*request(delta, tmp_path), "--json")
    assert any("belongs to another training" in line for line in log_of(done))
    assert tensors(tmp_path / "model.safetensors")[:2] == tensors(trained[0] / "model.safetensors")[:2]
