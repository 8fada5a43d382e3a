"""Scene products in QGIS: given by folder, archive or metadata file, alone or several, with the offset empty or set."""

import json
import shutil
import sys

import numpy as np
import pytest
from conftest import REPO, needs

sys.path.insert(0, str(REPO / "tests" / "native" / "operations"))
products = pytest.importorskip("products")

pytestmark = [products.needs_program, products.needs_jpeg2000]


def run(qgis_process, out, *words):
    done = qgis_process("--json", "run", "salina:covariates", f"--OUTPUT={out}", *words)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)["results"]


@pytest.mark.parametrize("form", ["folder", "metadata", "zip"])
def test_a_product_is_given_by_its_path(app, qgis_process, tmp_path, form):
    needs("covariates")
    root = products.safe(tmp_path / "in")
    path = {"folder": root, "metadata": root / "MTD_MSIL2A.xml"}.get(form) or shutil.make_archive(str(tmp_path / "product"), "zip", root.parent)
    results = run(qgis_process, tmp_path / "a.tif", f"--PRODUCT={path}", "--MASK_CLASSES=cloud\nshadow")
    bands, _ = products.read(tmp_path / "a.tif")
    assert results["DATE"] == "2020-06-15" and results["CLOUD_SHARE"] == 0 and list(bands) == products.BANDS
    assert np.abs(bands["B04"] - (products.numbers("B04", 60) - 1000.0) / 10000).max() < 1e-9


def test_an_offset_of_zero_is_an_offset(app, qgis_process, tmp_path):
    needs("covariates")
    run(qgis_process, tmp_path / "a.tif", f"--PRODUCT={products.safe(tmp_path)}", "--OFFSET=0")
    assert np.abs(products.read(tmp_path / "a.tif")[0]["B04"] - products.numbers("B04", 60) / 10000).max() < 1e-9


def test_one_call_makes_a_stack_for_each_day(app, qgis_process, tmp_path):
    """Loose scenes and products of two days, an elevation model in all; `OUTPUT` is left to what a dialog would put there."""
    needs("covariates")
    loose = products.write(tmp_path / "S2A_20190702.tif", np.full((2, 60, 60), 0.2, "float32"), nodata=np.nan, names=["B04", "B08"])
    dem = products.write(tmp_path / "dem.tif", np.full((60, 60), 7, "float32"), nodata=-1)
    out = tmp_path / "stacks"
    for words in (["--OUTPUT=TEMPORARY_OUTPUT"], []):
        done = qgis_process("--json", "run", "salina:covariates", f"--OUTPUT_FOLDER={out}", f"--SCENE={loose}", f"--PRODUCT={products.safe(tmp_path)}",
                            f"--DEM={dem}", *words)
        assert done.returncode == 0, done.stderr[-2000:]
        results = json.loads(done.stdout)["results"]
        assert results["STACKS"] == [str(out / f"stack_{date}.tif") for date in ("2019-07-02", "2020-06-15")]
        assert sorted(p.name for p in out.iterdir()) == ["stack_2019-07-02.tif", "stack_2020-06-15.tif"]
        assert results["OUTPUT_FOLDER"] == str(out) and not results.get("OUTPUT")
        assert all(np.allclose(products.read(path)[0]["DEM"], 7) for path in results["STACKS"])
        shutil.rmtree(out)
    done = qgis_process("--json", "run", "salina:covariates", f"--OUTPUT_FOLDER={out}", f"--OUTPUT={tmp_path / 'one.tif'}", f"--SCENE={loose}")
    assert done.returncode == 1 and "both output and output_folder are given" in done.stderr and not out.exists()
    results = run(qgis_process, tmp_path / "one.tif", f"--SCENE={loose}")
    assert results["STACKS"] == [str(tmp_path / "one.tif")] and results["OUTPUT"] == str(tmp_path / "one.tif")
