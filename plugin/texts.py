"""Words and facts that several files need: translation, and what metadata.txt says about this package."""

from configparser import ConfigParser
from functools import lru_cache
from pathlib import Path

from qgis.PyQt.QtCore import QCoreApplication

HERE = Path(__file__).parent


def tr(text):
    """`text` in the user's language. Ids, keys and choices are never translated."""
    return QCoreApplication.translate("Salina", text)


@lru_cache(maxsize=None)
def metadata(key):
    """An entry of metadata.txt, "" where it has none."""
    parser = ConfigParser(interpolation=None)
    parser.read(HERE / "metadata.txt", encoding="utf-8")
    return parser.get("general", key, fallback="")


def help_url(section):
    """Where to read on: the section of the homepage or, while the project has none, the README of this package."""
    homepage = metadata("homepage")
    return f"{homepage}#{section}" if homepage else (HERE / "README.md").as_uri()


def icon_path(name):
    return str(HERE / "icons" / name)
