import re

from yori.report.strip_chart import strip_chart


def test_the_middle_half_lies_inside_the_whisker():
    page = strip_chart({"ship": [-50, -40, -30, -25, -10]}, title="t", description="d", x_title="dBFS")
    line = re.search(r'<line x1="([\d.]+)" y1="[\d.]+" x2="([\d.]+)" y2="[\d.]+" class="whisker"', page)
    box = re.search(r'<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)"', page)
    assert float(line[1]) < float(box[1]) < float(box[1]) + float(box[2]) < float(line[2])


def test_equal_values_and_one_group():
    page = strip_chart({"a": [1.0] * 5, "b": [1.0] * 5}, title="t", description="d", x_title="x")
    assert page.count('class="half"') == 2
