from yori.report.scatter_chart import Dot, scatter_chart


def drawn(dots, names=("a", "b")):
    return scatter_chart(dots, names, title="t", description="d", x_title="x", y_title="y")


def test_every_dot_is_drawn_the_large_ones_last():
    page = drawn([Dot(0, 0, 0, True), Dot(1, 1, 1), Dot(-1, -1, None)])
    assert page.count("<circle") == 3 + 2
    assert page.index("class-1") < page.index("large")
    assert 'class="dot none"' in page


def test_up_is_up_and_right_is_right():
    import re

    low, high = (re.search(r'<circle cx="([\d.]+)" cy="([\d.]+)" r="2"', drawn([Dot(p, p, 0)], ())) for p in (-1, 1))
    assert float(low[1]) < float(high[1])
    assert float(low[2]) > float(high[2])


def test_many_classes_share_colours_and_names_are_escaped():
    page = drawn([Dot(0, 0, 17)], [f"<{k}>" for k in range(20)])
    assert "class-1 " in page or 'class-1"' in page
    assert "<0>" not in page
