"""The jobs a person asks for by name, each one function; the command line only parses, calls and shows.

initialise.py         `init`: a project out of a source
run.py                `run`: everything from splits to report
apply.py              `apply_edits`: an edit set makes the next data version
demo.py               `demo`: the main job on simulated ships
import_data.py        `import_data`: add what is new
data_source.py        where data come from, which option belongs to which layout
first_task.py         the task.yaml a new project starts with
sample_rates.py       the rate most files have
given_embeddings.py   bring-your-own embeddings in the project
import_report.py      what an import did; import_report.csv
new_folder.py         a folder that appears whole or not at all
"""

from __future__ import annotations

from yori.main_job.apply import apply_edits
from yori.main_job.data_source import DataSource
from yori.main_job.demo import demo
from yori.main_job.given_embeddings import read_given
from yori.main_job.import_data import import_data
from yori.main_job.import_report import Imported
from yori.main_job.initialise import init
from yori.main_job.run import Ran, run

__all__ = ["DataSource", "Imported", "Ran", "apply_edits", "demo", "import_data", "init", "read_given", "run"]
