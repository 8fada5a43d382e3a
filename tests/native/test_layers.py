"""The order of the house: which folder sees which, which library which folder, exported names, the public header alone.

SALINA_BUILD is the build folder with libsalina (default: build/release); without one the exports are not checked.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

REPO = Path(__file__).parents[2]
NATIVE = REPO / "native"
BUILD = Path(os.environ.get("SALINA_BUILD", REPO / "build" / "release"))

ENGINE = ["base", "tensor", "kernels", "graph", "layers", "models", "baselines"]
DATA = ["base", "data", "features"]
WORK = ["simulate", "train", "map", "explain"]
# A folder and what stands to its left (design, section 1).
MAY_SEE = {folder: set(ENGINE[:i]) for i, folder in enumerate(ENGINE)}
MAY_SEE |= {folder: set(DATA[:i]) for i, folder in enumerate(DATA)}
MAY_SEE |= {folder: set(ENGINE) | set(DATA) | set(WORK[:i]) for i, folder in enumerate(WORK)}
MAY_SEE["operations"] = set(ENGINE) | set(DATA) | set(WORK)
MAY_SEE["cli"] = set()
MAY_SEE["qt"] = set()
MAY_SEE["include"] = set()

FOREIGN = [  # headers, the folder that may see them
    (re.compile(r"^(cblas|lapacke|dnnl|oneapi/)"), "kernels"),
    (re.compile(r"^(xgboost|libsvm)/"), "baselines"),
    (re.compile(r"^(gdal|ogr|cpl_|proj(\.h|_))"), "data"),
    (re.compile(r"^(Q[A-Z]|qwt)"), "qt"),
]

SOURCES = sorted(path for path in NATIVE.rglob("*") if path.suffix in (".c", ".h", ".cpp", ".def"))


def code(path):
    """The text without comments and string literals, so that words in them do not count."""
    pattern = r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"'
    return re.sub(pattern, lambda m: '""' if m.group().startswith('"') else " ", path.read_text(), flags=re.S)


def includes(path):
    return re.findall(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', path.read_text(), flags=re.M)


def target(path, name):
    """The file of native/ that an include means, or None for a header of the system."""
    for base in (path.parent, NATIVE, NATIVE / "include"):
        if (base / name).exists():
            return (base / name).resolve()
    return None


def test_the_order_knows_every_folder():
    assert {p.name for p in NATIVE.iterdir() if p.is_dir() and any(p.rglob("*.[ch]*"))} <= set(MAY_SEE)


def test_a_folder_includes_only_what_stands_to_its_left():
    wrong = []
    for path in SOURCES:
        folder = path.relative_to(NATIVE).parts[0]
        for name in includes(path):
            found = target(path, name)
            seen = found and found.relative_to(NATIVE.resolve()).parts[0]
            if seen and seen not in MAY_SEE[folder] | {folder, "include"}:
                wrong.append(f"{path.relative_to(REPO)} includes {name}")
    assert not wrong, "\n".join(wrong)


def test_quoted_includes_exist():
    missing = [
        f"{path.relative_to(REPO)}: {name}"
        for path in SOURCES
        for name in re.findall(r'^\s*#\s*include\s*"([^"]+)"', path.read_text(), flags=re.M)
        if not target(path, name)
    ]
    assert not missing, "\n".join(missing)


def test_foreign_libraries_are_seen_in_one_folder_only():
    wrong = [
        f"{path.relative_to(REPO)} includes {name}"
        for path in SOURCES
        for name in includes(path)
        for pattern, folder in FOREIGN
        if pattern.match(name) and target(path, name) is None and path.relative_to(NATIVE).parts[0] != folder
    ]
    assert not wrong, "\n".join(wrong)


def test_the_library_never_prints_exits_or_changes_the_process():
    forbidden = re.compile(r"(?<![\w.>])(abort|exit|_exit|printf|puts|putchar|perror|setlocale|signal|sigaction|chdir|srand|rand)\s*\(")
    stream = re.compile(r"\bstd(out|err)\b")
    wrong = []
    for path in SOURCES:
        if path.relative_to(NATIVE).parts[0] == "cli":
            continue
        for i, line in enumerate(code(path).splitlines(), 1):
            if forbidden.search(line) or stream.search(line):
                wrong.append(f"{path.relative_to(REPO)}:{i}: {line.strip()}")
    assert not wrong, "\n".join(wrong)


def test_external_names_start_with_sal():
    """Declarations in headers; what is private to a file is static and has no rule."""
    wrong = []
    for path in SOURCES:
        if path.suffix != ".h" or path.relative_to(NATIVE).parts[0] in ("cli", "qt"):
            continue
        for name in re.findall(r"^(?!static|typedef|#)[A-Za-z_][\w \*]*?\b(\w+)\([^;{]*\)[^;{]*;", code(path), flags=re.M):
            if not name.startswith(("sal_", "SAL_")):
                wrong.append(f"{path.relative_to(REPO)}: {name}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "list_file, macro, symbol",
    [
        ("operations/operations.def", "SAL_OPERATION", "sal_operation_{}"),
        ("graph/ops/ops.def", "SAL_OP", "sal_op_{}"),
        ("models/models.def", "SAL_SYSTEM", "sal_system_{}"),
        ("baselines/baselines.def", "SAL_BASELINE", "sal_baseline_{}"),
    ],
)
def test_every_row_of_a_list_is_defined_once_in_its_folder(list_file, macro, symbol):
    path = NATIVE / list_file
    names = re.findall(rf"^{macro}\((\w+)\)", path.read_text(), flags=re.M)
    assert names and len(names) == len(set(names))
    text = "\n".join(code(file) for file in path.parent.rglob("*.c"))
    for name in names:
        by_hand, by_macro = rf"^const sal_\w+ {symbol.format(name)}\b", rf"^SAL_[A-Z_0-9]+\({name.removesuffix('_back')}\b"
        found = re.findall(f"{by_hand}|{by_macro}", text, flags=re.M)
        assert len(found) == 1, f"{name} of {list_file} is defined {len(found)} times"


def test_every_operation_has_its_own_file_and_every_file_its_row():
    folder = NATIVE / "operations"
    names = set(re.findall(r"^SAL_OPERATION\((\w+)\)", (folder / "operations.def").read_text(), flags=re.M))
    files = {p.stem for p in folder.glob("*.c") if re.search(r"^const sal_operation sal_operation_", code(p), flags=re.M)}
    assert names == files


def test_files_begin_with_what_they_are():
    wrong = [
        str(path.relative_to(REPO))
        for path in SOURCES
        if path.suffix != ".def" and not re.match(r"(/\*|//) ?" + re.escape(path.name) + " - ", path.read_text())
    ]
    assert not wrong, "\n".join(wrong)


def library():
    for name in ("libsalina.so", "libsalina.dylib"):
        if (BUILD / "lib" / name).exists():
            return BUILD / "lib" / name
    pytest.skip(f"no libsalina in {BUILD}")


def test_exported_names_equal_the_committed_list():
    out = subprocess.run(["nm", "-D", "--defined-only", library()], check=True, capture_output=True, text=True).stdout
    names = sorted(line.split()[-1] for line in out.splitlines() if line.split()[-2] not in ("A",))
    assert names == (REPO / "tests" / "native" / "exports.txt").read_text().split()


def test_every_declared_function_is_in_the_exported_list():
    declared = re.findall(r"SAL_API [\w *]+?\b(sal_\w+)\(", (NATIVE / "include" / "salina" / "salina.h").read_text())
    assert sorted(declared) == (REPO / "tests" / "native" / "exports.txt").read_text().split()


def test_the_library_links_no_qt_and_no_python():
    out = subprocess.run(["readelf", "-d", library()], check=True, capture_output=True, text=True).stdout
    needed = re.findall(r"NEEDED.*\[(.*)\]", out)
    assert needed and not [name for name in needed if re.match(r"lib(Qt|qwt|python|qgis)", name)]


def test_the_figure_library_exports_its_header_and_nothing_else():
    built = BUILD / "lib" / "libsalina_qt.so"
    if not built.exists():
        pytest.skip(f"no libsalina_qt in {BUILD}")
    out = subprocess.run(["nm", "-D", "--defined-only", built], check=True, capture_output=True, text=True).stdout
    declared = re.findall(r"SAL_API [\w *]+?\b(sal_\w+)\(", (NATIVE / "include" / "salina" / "salina_qt.h").read_text())
    assert sorted(line.split()[-1] for line in out.splitlines()) == sorted(declared)
    used = re.findall(r"X\((sal_\w+)\)", (NATIVE / "base" / "figures.h").read_text())
    assert sorted(used) == sorted(declared)


@pytest.mark.parametrize("header", ["salina", "salina_qt"])
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("language", ["c", "c++"])
def test_the_public_header_compiles_alone(compiler, language, header, tmp_path):
    if not shutil.which(compiler):
        pytest.skip(f"{compiler} is not installed")
    source = tmp_path / ("only.c" if language == "c" else "only.cpp")
    source.write_text(f"#include <salina/{header}.h>\nint main(void) {{ return sal_version() == 0; }}\n")
    standard = "-std=c11" if language == "c" else "-std=c++11"
    flags = ["-Wall", "-Wextra", "-Werror", "-pedantic", standard, "-I", str(NATIVE / "include"), "-fsyntax-only"]
    done = subprocess.run([compiler, "-x", language, *flags, str(source)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
