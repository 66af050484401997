import re

from yori.choose.map_chart import COLOURS, Place, map_chart, map_styles


def test_a_dot_for_each_example_with_its_words_and_picked_ones_on_top():
    places = [Place(0, 0, 1, True, "<b>"), Place(1, 1, None, False, "grey"), Place(-1, -1, 0, False, "first")]
    drawn = str(map_chart(places, ["x", "y"], grey="no label", picked="kept", title="t", description="d"))
    circles = re.findall(r'<circle [^>]*class="([^"]*)"[^>]*><title>([^<]*)</title>', drawn)
    assert circles == [("spot", "grey"), ("spot k0", "first"), ("spot k1 ring", "&lt;b&gt;")]
    assert all(word in drawn for word in (">x<", ">y<", ">no label<", ">kept<"))


def test_every_colour_has_its_line():
    for number in range(len(COLOURS)):
        assert f".spot.k{number} {{" in map_styles()
