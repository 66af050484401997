from __future__ import annotations

import json
import re

from yori.cli.demo_flywheel import ARM_NAMES
from yori.flywheel import simulated_world


def test_the_last_lines_say_what_was_promoted_and_what_served(yori, tmp_path, monkeypatch):
    size = simulated_world.Size(beginning=100, season=40, test=20, clips=2, labels=12)
    monkeypatch.setattr(simulated_world, "Size", lambda: size)
    monkeypatch.setattr(simulated_world, "SEASONS", simulated_world.SEASONS[-1:])  # one turn
    folder = tmp_path / "demo"
    how = ("demo-flywheel", folder, "--seed", 3, "--workers", 1, "--no-progress")
    result = yori(*how)
    assert result.exit_code == 0, result.stderr
    told = result.stdout.splitlines()
    outcome = json.loads((folder / "outcome.json").read_text())
    for arm in simulated_world.ARMS:
        begin = told.index(f"  {ARM_NAMES[arm]}:") + 1
        lines = [re.findall(r"[\d.]+(?=%)|first release|kept out|promoted", line) for line in told[begin : begin + 2]]
        promoted = [True, *(each is not None for each in outcome["promoted"][arm])]
        assert [line[1] for line in lines[1:]] == ["promoted" if each else "kept out" for each in promoted[1:]]
        assert [float(line[0]) for line in lines] == [round(100 * each, 1) for each in outcome["risk"][arm]]
        # What serves changes only by a promotion, and is then the newest head.
        served = outcome["served"][arm]
        assert served[1] == (outcome["risk"][arm][1] if promoted[1] else served[0])
        turns = [str(number) for number, each in enumerate(promoted) if number and each]
        assert f"Promoted by the gate, {ARM_NAMES[arm]}: {'turn ' + ', '.join(turns) if turns else 'none'}." in told
    assert told[-1] == f"See: {folder / 'turns.html'}"
    assert "무작위 라벨" in (folder / "turns.ko.html").read_text()
    # Run again, it uses what is there and says the same.
    assert json.loads(yori(*how, "--json").stdout)["risk"] == outcome["risk"]
