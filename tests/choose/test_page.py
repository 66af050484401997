from yori.choose.page import simulation_page
from yori.choose.simulate import Simulation, StrategyCurve
from yori.choose.trust import Trust

NAN = float("nan")


def test_names_are_escaped_and_figures_are_there():
    curves = tuple(
        StrategyCurve(name, (0.5, 0.75), (NAN, NAN), (NAN, NAN), (1.0, 0.8), (0.3, 0.2), (0.6,), 0.625, gain, low, high)
        for name, gain, low, high in (("random", NAN, NAN, NAN), ("margin", 0.02, 0.01, 0.03))
    )
    found = Simulation(
        "id", ("fold 0",), 1, (10, 20), 99, False, curves, Trust("margin", "It <wins>.", True), ("a note",)
    )
    page = simulation_page(found, name="<bells>")
    assert "&lt;bells&gt;" in page
    assert "It &lt;wins&gt;." in page
    assert "<bells>" not in page
    assert "a note" in page
    assert "+1.0 to +3.0" in page
    assert "62.5 %" in page
    assert "nan" not in page
