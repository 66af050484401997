from xml.etree import ElementTree

from yori.choose.learning_chart import DrawnCurve, chart_styles, learning_chart

NAN = float("nan")


def test_a_drawing_that_a_reader_and_a_screen_reader_understand():
    curves = [
        DrawnCurve("random", (0.2, 0.5), (0.1, NAN), (0.3, NAN)),
        DrawnCurve("<automatic>", (0.3, 0.7), (0.2, 0.6), (0.4, 0.8)),
        DrawnCurve("margin", (0.25, 0.6), (NAN, NAN), (NAN, NAN)),
    ]
    drawn = str(learning_chart((10, 50), curves, title="t", description="d", x_title="labels", y_title="accuracy"))
    tree = ElementTree.fromstring(drawn)
    assert [one.text for one in tree if one.tag in ("title", "desc")] == ["t", "d"]
    styles = [one.get("class") for one in tree if one.tag == "path"]
    assert styles.count("band s0") == styles.count("band s1") == 1
    assert "band s2" not in styles
    assert {"curve s0 thick", "curve s1 thick", "curve s2"} <= set(styles)
    assert "&lt;automatic&gt;" in drawn
    assert ".s1 {" in chart_styles()


def test_the_higher_curve_is_drawn_higher():
    curves = [DrawnCurve(name, (h, h), (NAN, NAN), (NAN, NAN)) for name, h in (("low", 0.2), ("high", 0.8))]
    drawn = str(learning_chart((10, 50), curves, title="t", description="d", x_title="x", y_title="y"))
    paths = {one.get("class"): one.get("d") for one in ElementTree.fromstring(drawn) if one.tag == "path"}
    low, high = (float(paths[f"curve s{k} thick"].split("L")[0].split()[1]) for k in (0, 1))
    assert high < low
