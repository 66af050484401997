import numpy as np
import pytest

from yori.errors import ShapeError, ValuesError
from yori.signal.mains_hum import mains_hum

RATE = 8000


def hum(frequency: float, amplitude: float, seconds: float = 2.0) -> np.ndarray:
    t = np.arange(round(seconds * RATE)) / RATE
    wave = np.sin(2 * np.pi * frequency * t) + 0.5 * np.sin(4 * np.pi * frequency * t)
    return 0.05 * np.random.default_rng(0).normal(size=len(t)) + amplitude * wave


@pytest.mark.parametrize("frequency", [50.0, 60.0])
@pytest.mark.parametrize("amplitude", [0.01, 0.1])
def test_hum_is_found_at_its_frequency(frequency, amplitude):
    found = mains_hum(hum(frequency, amplitude), RATE)
    assert found.frequency == frequency
    assert found.prominence > 15
    assert 0 < found.share <= 1


def test_what_is_no_hum():
    rng = np.random.default_rng(1)
    t = np.arange(2 * RATE) / RATE
    assert not mains_hum(hum(55.0, 0.1), RATE).is_present  # an engine beside the mains frequency
    assert not mains_hum(rng.normal(size=2 * RATE), RATE).is_present
    assert not mains_hum(np.sin(2 * np.pi * 50 * t), RATE).is_present  # a pure tone has no harmonics
    once = hum(50.0, 0.1)
    once[RATE:] = 0.05 * rng.normal(size=RATE)  # hum does not stop in the middle
    assert not mains_hum(once, RATE).is_present
    assert not mains_hum(hum(50.0, 0.1, seconds=0.4), RATE).is_present
    assert not mains_hum(np.zeros(2 * RATE), RATE).is_present


def test_a_voice_is_no_hum(real_data):
    import soundfile

    paths = sorted((real_data / "fsdd" / "recordings").glob("*.wav"))[::60]
    assert sum(mains_hum(*soundfile.read(path)).is_present for path in paths) == 0


def test_refusals(unchecked):
    with pytest.raises(ShapeError):
        mains_hum(np.zeros((2, 2)), RATE)
    with pytest.raises(ValuesError):
        mains_hum(np.zeros(4), 0)
    with pytest.raises(ValuesError):
        mains_hum(np.array([np.nan]), RATE)
