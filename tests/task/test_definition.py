import pytest

from yori.errors import ValuesError
from yori.task import metric_direction


@pytest.mark.parametrize(("name", "way"), [("ece", "lower"), ("accuracy", "higher"), ("risk@.8", "lower")])
def test_directions(name, way):
    assert metric_direction(name) == way


@pytest.mark.parametrize("name", ["risk@2", "risk@", "f1", "", "coverage@0.0.5"])
def test_unknown_metrics(name):
    with pytest.raises(ValuesError, match="a metric out of"):
        metric_direction(name)
