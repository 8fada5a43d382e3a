"""Figures inside QGIS: in the GUI thread, in a worker thread while it runs, as live widgets; and the report in Qt's text browser."""

import math
import subprocess
import sys
import threading

import pytest
from conftest import PLUGINS

KEYS = {
    "x": [math.exp(math.sin(i)) for i in range(120)],
    "y": [math.exp(math.sin(i + 0.2)) for i in range(120)],
    "x_label": "Observed salt (g/kg)",
    "y_label": "Predicted salt (g/kg)",
}


@pytest.fixture
def figures(real_library):
    from salina.native import LibraryMissing, figures

    try:
        figures.figure_library()
    except LibraryMissing as missing:
        pytest.skip(str(missing))
    return figures


def picture(path):
    """The PNG as a QImage, checked to hold more than a background."""
    from qgis.PyQt.QtGui import QImage

    image = QImage(str(path))
    assert not image.isNull() and image.width() > 400
    assert len({image.pixel(x, y) for x in range(0, image.width(), 7) for y in range(0, image.height(), 7)}) > 10
    return image


def test_the_package_holds_the_figure_library(figures):
    assert (PLUGINS / "salina" / "lib" / figures.FILE).exists()
    from salina import native

    assert native.build()["qt"].startswith("5.")


def test_a_figure_of_the_gui_thread_is_a_picture(figures, tmp_path):
    figures.Figure("scatter", **KEYS).save(tmp_path / "a.png")
    picture(tmp_path / "a.png")


def test_a_worker_thread_draws_while_qgis_runs(figures, app, tmp_path):
    """As in processAlgorithm: a QgsTask draws, the event loop of the GUI thread goes on; and plain threads side by side."""
    from qgis.core import QgsApplication, QgsTask
    from qgis.PyQt.QtCore import QEventLoop, QThread

    gui, seen, loop = QThread.currentThread(), [], QEventLoop()

    def draw(task):
        seen.append(QThread.currentThread() is not gui)
        for suffix in ("png", "svg", "pdf"):
            figures.Figure("scatter", **KEYS).save(tmp_path / f"task.{suffix}")

    def finished(error, result=None):
        seen.append(error)
        loop.quit()

    task = QgsTask.fromFunction("figures", draw, on_finished=finished)
    QgsApplication.taskManager().addTask(task)
    loop.exec()
    assert seen == [True, None]
    picture(tmp_path / "task.png")
    assert "Observed salt (g/kg)</text>" in (tmp_path / "task.svg").read_text()
    assert (tmp_path / "task.pdf").read_bytes().startswith(b"%PDF")

    threads = [threading.Thread(target=lambda i=i: figures.Figure("scatter", **KEYS).save(tmp_path / f"{i}.png")) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({(tmp_path / f"{i}.png").read_bytes() for i in range(4)}) == 1


def test_a_live_widget_paints_at_any_size_and_outlives_its_figure(figures, app):
    widget = figures.Figure("scatter", **KEYS).widget()  # the figure is freed here
    assert widget.sizeHint().width() > 300
    for width, height in ((600, 500), (260, 200), (1200, 400)):
        widget.resize(width, height)
        image = widget.grab().toImage()
        assert image.width() == width
        assert len({image.pixel(x, y) for x in range(0, width, 3) for y in range(0, height, 3)}) > 10


def test_a_widget_tells_the_values_under_the_pointer(figures, app):
    from qgis.PyQt.QtCore import QPoint
    from qgis.PyQt.QtGui import QHelpEvent
    from qgis.PyQt.QtWidgets import QToolTip

    keys = {"label": ["DEM", "B11"], "value": [0.3, 0.1], "value_label": "Rise of RMSE (g/kg)"}
    widget = figures.Figure("bars", **keys).widget()
    widget.resize(600, 200)
    widget.show()
    widget.grab()
    texts = set()
    for x in range(0, 600, 6):
        app.sendEvent(widget, QHelpEvent(QHelpEvent.Type.ToolTip, QPoint(x, 50), QPoint(x, 50)))
        texts.add(QToolTip.text())
    assert "DEM\nRise of RMSE (g/kg): 0.30" in texts
    widget.close()


FIGURES = {
    "scatter": KEYS,
    "lines": {"x": list(range(1, 41)), "y": [5 / k for k in range(1, 41)], "length": [40], "names": ["fold 1"], "x_label": "Epoch", "y_label": "Loss"},
    "bars": {"label": ["DEM", "B11"], "value": [0.3, 0.1], "value_label": "Rise of RMSE (g/kg)"},
    "histogram": {"value": [0.1 * (k % 13) for k in range(60)], "x_label": "PIT", "y_label": "Density"},
    "map": {"x": [500000 + 90 * k for k in range(40)], "y": [4000000 + 70 * (k % 9) for k in range(40)], "value": list(range(40)), "value_label": "Residual (g/kg)"},
}


class Hand:
    """A mouse over a widget."""

    def __init__(self, app, widget):
        self.app, self.widget = app, widget

    def wheel(self, at, notches):
        from qgis.PyQt.QtCore import QPoint, QPointF, Qt
        from qgis.PyQt.QtGui import QWheelEvent

        where = QPointF(*at)
        self.app.sendEvent(self.widget, QWheelEvent(where, where, QPoint(), QPoint(0, 120 * notches), Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
                                                    Qt.ScrollPhase.NoScrollPhase, False))

    def mouse(self, kind, at, button="LeftButton", held=None):
        from qgis.PyQt.QtCore import QEvent, QPointF, Qt
        from qgis.PyQt.QtGui import QMouseEvent

        button = getattr(Qt.MouseButton, button)
        held = button if held is None else getattr(Qt.MouseButton, held)
        self.app.sendEvent(self.widget, QMouseEvent(getattr(QEvent.Type, kind), QPointF(*at), button, held, Qt.KeyboardModifier.NoModifier))

    def drag(self, start, end):
        self.mouse("MouseButtonPress", start)
        self.mouse("MouseMove", end, "NoButton", "LeftButton")
        self.mouse("MouseButtonRelease", end, "LeftButton", "NoButton")

    def picture(self):
        return self.widget.grab().toImage()


@pytest.mark.parametrize("kind", FIGURES)
def test_a_widget_zooms_moves_and_goes_back(figures, app, kind):
    widget = figures.Figure(kind, **FIGURES[kind]).widget()
    widget.resize(640, 420)
    widget.show()
    hand = Hand(app, widget)
    whole = hand.picture()
    hand.drag((300, 200), (350, 220))
    assert hand.picture() == whole, "all is shown: there is nowhere to move to"
    hand.wheel((300, 200), 4)
    near = hand.picture()
    assert near != whole
    hand.drag((300, 200), (260, 230))
    moved = hand.picture()
    assert moved != near
    hand.mouse("MouseButtonPress", (300, 200), "RightButton")
    assert hand.picture() == near
    hand.mouse("MouseButtonPress", (300, 200), "RightButton")
    assert hand.picture() == whole
    hand.wheel((300, 200), 4)
    hand.wheel((310, 200), 60)  # to the limit, where axes still have ticks
    assert hand.picture() not in (whole, near)
    hand.wheel((310, 200), -200)
    assert hand.picture() == whole
    hand.wheel((300, 200), 2)
    hand.mouse("MouseButtonDblClick", (300, 200))
    assert hand.picture() == whole
    hand.wheel((2, 2), 3)  # on the title: not ours
    assert hand.picture() == whole
    widget.close()


def test_what_lies_under_the_pointer_stays_there(figures, app):
    from qgis.PyQt.QtCore import QPoint
    from qgis.PyQt.QtGui import QHelpEvent
    from qgis.PyQt.QtWidgets import QToolTip

    keys = {"x": [1.0, 2.0, 3.0, 9.0], "y": [1.5, 2.5, 2.0, 8.0], "x_label": "Observed (g/kg)", "y_label": "Predicted (g/kg)"}
    widget = figures.Figure("scatter", **keys).widget()
    widget.resize(500, 460)
    widget.show()
    widget.grab()

    def told():
        """Where the values of each point are told."""
        found = {}
        for x in range(40, 480, 5):
            for y in range(20, 440, 5):
                QToolTip.showText(QPoint(1, 1), "nothing", widget)  # a text that is hidden stays for a while
                app.sendEvent(widget, QHelpEvent(QHelpEvent.Type.ToolTip, QPoint(x, y), QPoint(x, y)))
                found.setdefault(QToolTip.text(), []).append((x, y))
        return found

    before = told()
    text = "Observed (g/kg): 2\nPredicted (g/kg): 2.5"
    assert sum("Observed" in key for key in before) == 4
    middle = tuple(sum(values) / len(values) for values in zip(*before[text]))
    Hand(app, widget).wheel(middle, 5)
    widget.grab()
    after = told()
    assert text in after and "Observed (g/kg): 9\nPredicted (g/kg): 8" not in after
    now = tuple(sum(values) / len(values) for values in zip(*after[text]))
    assert abs(now[0] - middle[0]) < 8 and abs(now[1] - middle[1]) < 8  # but for the room that longer tick texts take
    widget.close()


def test_a_widget_outside_the_gui_thread_is_refused(figures, app):
    from salina.native import SalinaError

    seen = []

    def make():
        try:
            figures.Figure("scatter", **KEYS).widget()
        except SalinaError as error:
            seen.append(str(error))

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    assert seen and "GUI thread" in seen[0]


def test_wrong_figures_raise_the_sentence_of_the_library(figures):
    from salina.native import SalinaError

    with pytest.raises(SalinaError, match='no figure "pie"'):
        figures.Figure("pie")
    with pytest.raises(SalinaError, match='takes no "colour"'):
        figures.Figure("scatter", colour="red")


def test_figures_of_another_qt_are_refused_before_they_are_loaded(figures):
    from salina.native import LibraryMissing

    figures.check_qt("5.15.8, Qwt 6.1.4", "5.12.0")
    with pytest.raises(LibraryMissing, match="need Qt 5, but QGIS runs on Qt 6"):
        figures.check_qt("5.15.8, Qwt 6.1.4", "6.8.1")
    with pytest.raises(LibraryMissing, match="without Qt and Qwt"):
        figures.check_qt(None)


def test_qt_without_its_gui_part_is_refused(figures):
    """A QCoreApplication has no fonts: Qt itself would end the process."""
    code = f"""
import ctypes
from PyQt5.QtCore import QCoreApplication
app = QCoreApplication([])
lib = ctypes.CDLL({str(PLUGINS / "salina" / "lib" / figures.FILE)!r})
lib.sal_figure_message.restype = ctypes.c_char_p
figure, width = ctypes.c_void_p(), ctypes.c_int32()
lib.sal_figure_new(b"bars", ctypes.byref(figure))
print(lib.sal_figure_size(figure, ctypes.byref(width), ctypes.byref(width)), lib.sal_figure_message(figure).decode())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.startswith("8 "), done.stderr
    assert "QCoreApplication" in done.stdout


def test_a_program_may_start_qt_after_a_figure(figures, tmp_path):
    """The application that a figure makes for itself is gone afterwards."""
    code = f"""
import ctypes
lib = ctypes.CDLL({str(PLUGINS / "salina" / "lib" / figures.FILE)!r})
figure = ctypes.c_void_p()
lib.sal_figure_new(b"histogram", ctypes.byref(figure))
lib.sal_figure_set_values(figure, b"value", ctypes.c_int64(2), (ctypes.c_double * 2)(1, 2))
for key in (b"x_label", b"y_label"):
    lib.sal_figure_set_text(figure, key, b"n")
print(lib.sal_figure_save(figure, {str(tmp_path / "before.png")!r}.encode()))
from PyQt5.QtWidgets import QApplication, QLabel
app = QApplication(["x", "-platform", "offscreen"])
label = QLabel("text")
label.show()
app.processEvents()
print(lib.sal_figure_save(figure, {str(tmp_path / "after.png")!r}.encode()), label.grab().width() > 10)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.split() == ["0", "0", "True"], done.stdout + done.stderr
    picture(tmp_path / "after.png")


def test_the_report_shows_in_a_text_browser(figures, delta, app):
    """What QGIS shows results in: every figure is an image there, and no text of an SVG stands in the page."""
    from qgis.PyQt.QtCore import QUrl
    from qgis.PyQt.QtGui import QTextDocument
    from qgis.PyQt.QtWidgets import QTextBrowser

    delta.model()
    page = (delta.folder / "report.html").read_text()
    sources = [part.split('"')[0] for part in page.split(' src="')[1:]]
    assert len(sources) >= 5 and "<script" not in page and "http" not in page
    browser = QTextBrowser()
    browser.resize(900, 700)
    browser.setSource(QUrl.fromLocalFile(str(delta.folder / "report.html")))
    for source in sources:
        image = browser.document().resource(QTextDocument.ResourceType.ImageResource, QUrl(source))
        assert image is not None and not image.isNull() and image.width() > 300
    text = browser.toPlainText()
    assert "Model card" in text and "SHA-256" in text and "Easting (km)" not in text
    browser.document().setTextWidth(880)
    assert browser.document().size().height() > 3000  # laid out with the figures in it


def test_a_report_named_pdf_is_a_pdf(figures, delta):
    delta.stacks()
    path = delta.folder / "report.pdf"
    delta.run(
        "train", STACKS=delta.stacks(), SAMPLES=delta.samples, TARGET="salinity", UNIT="g/kg", DATE_FIELD="date", FOLDS=2, EPOCHS=1,
        SYSTEM="spec_index", OUTPUT=delta.folder / "pdf.safetensors", REPORT=path,
    )  # fmt: skip
    assert path.read_bytes().startswith(b"%PDF") and path.stat().st_size > 50000
