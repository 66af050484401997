import re

from yori.report.column_chart import column_chart


def drawn(counts):
    return column_chart(counts, low=0, high=1, title="t", description="d", x_title="x", y_title="y", number=str)


def test_columns_are_as_high_as_their_counts():
    heights = [float(each) for each in re.findall(r'height="([\d.]+)" class="half"', drawn([0, 5, 10]))]
    assert heights[0] == 0
    assert abs(heights[2] - 2 * heights[1]) < 0.1


def test_no_counts_at_all():
    assert drawn([0]).count('class="half"') == 1
