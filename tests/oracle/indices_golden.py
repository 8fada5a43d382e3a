"""Writes tests/golden/indices.txt from the formulas of indices.csv, evaluated by numpy in float64.

    python3 tests/oracle/indices_golden.py ../shared/reference/indices.csv > tests/golden/indices.txt

The first three spectra are those behind the published columns value_bare, value_veg and value_water; the script stops
if its own evaluation does not give those columns back. The others are evaluated at the float32 numbers they are read as, since
MTCI and S2REP divide by small differences.
"""
import csv
import sys

import numpy as np

ROLES = ["B", "G", "R", "RE1", "RE2", "RE3", "NIR", "SWIR1", "SWIR2"]
SPECTRA = {
    "bare": [0.12, 0.16, 0.20, 0.22, 0.24, 0.26, 0.28, 0.34, 0.28],
    "veg": [0.03, 0.06, 0.04, 0.10, 0.28, 0.35, 0.38, 0.20, 0.10],
    "water": [0.06, 0.05, 0.03, 0.025, 0.02, 0.02, 0.015, 0.008, 0.005],
    "crust": [0.42, 0.47, 0.51, 0.53, 0.54, 0.55, 0.56, 0.45, 0.38],
    "stubble": [0.07, 0.10, 0.13, 0.16, 0.19, 0.21, 0.23, 0.31, 0.22],
    "reed": [0.04, 0.07, 0.06, 0.11, 0.21, 0.25, 0.27, 0.18, 0.09],
    "dark": [0.012, 0.014, 0.011, 0.013, 0.017, 0.016, 0.019, 0.009, 0.006],
}


def evaluate(formula, spectrum):
    names = dict(zip(ROLES, map(np.float64, spectrum)))
    names.update(N=names["NIR"], S1=names["SWIR1"], S2=names["SWIR2"], sqrt=np.sqrt, abs=np.abs)
    with np.errstate(all="ignore"):
        return float(eval(formula, {"__builtins__": {}}, names))


def main(path):
    rows = list(csv.DictReader(open(path)))
    print("# Spectral indices of surface reflectance; columns in the order of the spectra. Written by tests/oracle/indices_golden.py")
    for name, spectrum in SPECTRA.items():
        print("spectrum", name, *(f"{role}={value:g}" for role, value in zip(ROLES, spectrum)))
    for row in rows:
        values = [evaluate(row["formula"], spectrum) for spectrum in SPECTRA.values()]
        values[3:] = [evaluate(row["formula"], np.float32(spectrum)) for spectrum in list(SPECTRA.values())[3:]]
        for column, value in zip(("value_bare", "value_veg", "value_water"), values):
            stated = float(row[column])
            if not (np.isnan(stated) and np.isnan(value) or abs(stated - value) < 1e-8 * max(1, abs(stated))):
                sys.exit(f"{row['id']} {column}: {value} is not {stated}")
        print("index", row["id"], row["group"], *(f"{value:.9g}" for value in values))


main(sys.argv[1])
