"""Says in the header of a run which versions the comparisons are with."""
import importlib.util
import pathlib
import re


def version_of(module):
    spec = importlib.util.find_spec(module)
    if spec is None:
        return "absent"
    text = pathlib.Path(spec.origin).with_name("version.py")  # read, not imported: importing torch takes seconds
    found = re.search(r"__version__ = '([^']+)'", text.read_text()) if text.exists() else None
    return found.group(1) if found else "present"


def pytest_report_header(config):
    return f"oracle: torch {version_of('torch')}"
