import dataclasses

import click
import click.testing

from yori.cli import source_options as options
from yori.importers import LAYOUTS
from yori.importers.column_roles import COLUMN_ROLES
from yori.main_job import DataSource
from yori.main_job.data_source import OPTIONS


def test_the_choices_are_the_layouts_that_exist():
    assert set(options.LAYOUTS) == set(LAYOUTS) == set(OPTIONS)


def test_every_role_has_an_option():
    assert set(options._COLUMNS.values()) == set(COLUMN_ROLES)


def test_every_field_of_a_source_can_be_said():
    @click.command()
    @options.source_options
    def verb(**given):
        source = options.take_source(given)
        assert given == {"who": None, "workers": 2}
        click.echo(repr(source))

    words = {"layout": "table", "path": "p", "pattern": "q", "levels": "l", "embeddings": "e", "table": "t", "ids": "i"}
    words |= {"label_separator": ";"}
    assert set(words) | {"columns"} == {field.name for field in dataclasses.fields(DataSource)}
    arguments = [part for name, value in words.items() for part in (_option(name), value)]
    arguments += [part for name in options._COLUMNS for part in (_option(name), f"c_{name}")]
    result = click.testing.CliRunner().invoke(verb, [*arguments, "--workers", "2"])
    assert result.exit_code == 0, result.output
    assert all(f"{name}=" in result.output for name in words)
    assert "'uri': 'c_audio_column'" in result.output


def _option(name):
    return "--from" if name == "path" else f"--{name.replace('_', '-')}"
