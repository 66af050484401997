from __future__ import annotations

from xml.etree import ElementTree

import pytest

from yori.report.heat_map import MOST, heat_map


@pytest.mark.parametrize("size", [1, 3, MOST, MOST + 1])
def test_cells_numbers_and_shades(size: int) -> None:
    shares = [[1.0 if row == column else 0.25 for column in range(size)] for row in range(size)]
    names = [f"seed {row}" for row in range(size)]
    drawn = ElementTree.fromstring(
        heat_map(names, shares, title="t", description="d", number=lambda share: f"{share:.2f}")
    )
    boxes = [each for each in drawn.iter() if each.tag.endswith("rect")]
    assert len(boxes) == size * size
    shades = [float(box.attrib["fill-opacity"]) for box in boxes]
    assert shades[0] == max(shades)
    assert all(shade == shades[0] for shade in shades[:: size + 1])
    numbers = [each.text for each in drawn.iter() if each.text == "1.00"]
    assert len(numbers) == (size if size <= MOST else 0)
