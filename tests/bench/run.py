"""Runs every tests/bench/bench_<name>.py and prints a table of measured ratios against the goals of the design.

usage: run.py [--output bench.json] [name ...]

A bench prints one JSON object per line: {"name", "value", "goal", "detail"} and, where it is no ratio, {"unit"}. Exit code 0 also when a goal is missed, 1 when a bench
crashed or printed nothing. OPENBLAS_CORETYPE is unset for everyone: some machines pin it to an older core.
"""
import argparse
import datetime
import json
import os
import pathlib
import platform
import re
import subprocess
import sys

FOLDER = pathlib.Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]


def version_of(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip().splitlines()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return None


def machine():
    cpu = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    return {"when": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"), "cpu": cpu and cpu.group(1),
            "cores": len(os.sched_getaffinity(0)), "load": os.getloadavg()[0], "system": platform.platform(), "python": platform.python_version(),
            "compiler": version_of("cc", "--version"), "gdal": version_of("gdal-config", "--version"),
            "torch": version_of(sys.executable, "-c", "import torch; print(torch.__version__)"),
            "commit": version_of("git", "-C", ROOT, "rev-parse", "HEAD")}


def run(path, environment):
    """The figures of one bench and, where it failed, why."""
    done = subprocess.run([sys.executable, path], capture_output=True, text=True, env=environment)
    figures, failure = [], None
    for line in done.stdout.splitlines():
        try:
            figure = json.loads(line)
            figures.append({key: figure[key] for key in ("name", "value", "goal", "detail")} | {"unit": figure.get("unit", "x")})
        except (ValueError, KeyError, TypeError):
            print(f"   {line}", file=sys.stderr)
    if done.returncode:
        failure = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
    elif not figures:
        failure = "printed no figure"
    return figures, failure


def row(name, value, goal, verdict):
    print(f"{name:<44} {value:>10} {goal:>8}  {verdict}", flush=True)


def main():
    parser = argparse.ArgumentParser(description="Measures the figures of the design.")
    parser.add_argument("--output", type=pathlib.Path)
    parser.add_argument("names", nargs="*")
    chosen = parser.parse_args()
    environment = {key: value for key, value in os.environ.items() if key != "OPENBLAS_CORETYPE"}
    environment.setdefault("SALINA_BUILD", str(ROOT / "build/release"))
    about = machine()
    loaded = about["load"] > 0.5
    print(f"{about['cpu']}, {about['cores']} cores, load {about['load']:.2f}")
    if loaded:
        print("The machine is busy with other work: ratios against one thread or another program are uncertain.")
    row("figure", "measured", "goal", "")
    results, failures = [], {}
    for path in sorted(FOLDER.glob("bench_*.py")):
        name = path.stem.removeprefix("bench_")
        if chosen.names and name not in chosen.names:
            continue
        figures, failure = run(path, environment)
        for figure in figures:
            figure["met"] = figure["value"] >= figure["goal"]
            row(figure["name"], f"{figure['value']:.{2 if figure['unit'] else 3}f} {figure['unit']}".strip(), f"{figure['goal']:g} {figure['unit']}".strip(), ("met" if figure["met"] else "MISSED") + (", busy machine" if loaded else ""))
        results += figures
        if failure:
            failures[name] = failure
            row(name, "-", "-", f"FAILED: {failure}")
    if chosen.output:
        chosen.output.parent.mkdir(parents=True, exist_ok=True)
        report = {"machine": about, "loaded": loaded, "figures": results, "failures": failures}
        chosen.output.write_text(json.dumps(report, indent=1) + "\n")
    return 1 if failures or not results else 0


if __name__ == "__main__":
    sys.exit(main())
