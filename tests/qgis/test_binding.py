"""The ctypes binding, against a stand-in library."""

import re

import pytest
from conftest import REPO, forget

pytestmark = pytest.mark.usefixtures("app")


def test_every_exported_function_is_typed():
    from salina.native.prototypes import PROTOTYPES

    header = (REPO / "native" / "include" / "salina" / "salina.h").read_text()
    exported = re.findall(r"^SAL_API [^;]*?\b(sal_\w+)\(", header, re.M)
    assert len(exported) == 10 and set(PROTOTYPES) == set(exported)


def test_result_comes_back_as_a_dict_with_its_letters(fake_library):
    from salina import native

    result = native.run("demo", {"title": "Größe", "seed": 3})
    assert result == {"echo": {"title": "Größe", "seed": 3}, "score": 0.5, "note": "café"}


def test_failure_raises_the_library_s_own_sentence(fake_library):
    from salina import native

    with pytest.raises(native.SalinaError, match='target "EC" of layer "points" is constant') as caught:
        native.run("train", {})
    assert caught.value.status == 6 and not isinstance(caught.value, native.Cancelled)


def test_failure_without_a_message_raises_the_text_of_its_status(fake_library):
    from salina import native

    with pytest.raises(native.SalinaError, match="^out of memory$"):
        native.run("covariates", {})


def test_threads_out_of_range_are_refused(fake_library):
    from salina import native

    with pytest.raises(native.SalinaError):
        native.run("demo", {}, threads=-1)


def test_report_that_returns_true_cancels(fake_library):
    from salina import native

    seen = []
    with pytest.raises(native.Cancelled):
        native.run("retrieve", {}, lambda fraction, message: seen.append((fraction, message)) or len(seen) == 3)
    assert seen == [(0.0, "working …"), (0.005, "Warning: one band is dark"), (0.01, None)]


def test_report_that_raises_ends_the_run_and_its_exception_arrives(fake_library):
    from salina import native

    calls = []

    def report(fraction, message):
        calls.append(fraction)
        raise KeyError("from the callback")

    with pytest.raises(KeyError, match="from the callback"):
        native.run("retrieve", {}, report)
    assert calls == [0.0]


def test_missing_library_is_named_and_the_way_out_told(no_library):
    from salina import native

    with pytest.raises(native.LibraryMissing, match=r"/nowhere/libsalina\.so.*SALINA_LIBRARY.*restart QGIS"):
        native.operations()


def test_library_of_another_version_is_refused(fake, monkeypatch):
    from salina.native import LibraryMissing, loader
    from salina.texts import metadata

    major, minor, patch = metadata("version").split(".")
    loader.load(str(fake(f"{major}.{minor}.{int(patch) + 7}")), metadata("version"))
    with pytest.raises(LibraryMissing, match="has version 9.1.0, but the plugin needs"):
        loader.load(str(fake("9.1.0")), metadata("version"))


def test_file_that_is_no_libsalina_is_refused(monkeypatch):
    from salina import native

    monkeypatch.setenv("SALINA_LIBRARY", "libm.so.6")
    forget()
    with pytest.raises(native.LibraryMissing, match="libm.so.6 is not the libsalina of this plugin.*sal_version"):
        native.library()
    forget()


def test_named_library_comes_first_then_the_one_beside_the_plugin(tmp_path, monkeypatch):
    from salina.native import loader

    monkeypatch.setattr(loader, "PACKAGE", tmp_path)
    monkeypatch.delenv("SALINA_LIBRARY", raising=False)
    assert loader.candidates() == ["libsalina.so.0"]
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "libsalina.so.0").touch()
    assert loader.candidates() == [str(tmp_path / "lib" / "libsalina.so.0"), "libsalina.so.0"]
    monkeypatch.setenv("SALINA_LIBRARY", "/mine.so")
    assert loader.candidates() == ["/mine.so"]
