import ast
import re
import string
from importlib.resources import files
from pathlib import Path

import pytest
import yaml

import yori
from yori.report.sentences import known_sentences, said

SOURCE = Path(yori.__file__).parent
WRITERS = {  # functions whose English ends up in certificates and edits
    "prove/proof.py": ("_notes",),
    "prove/proposal.py": ("_reason",),
    "statistics/compare.py": ("_notes",),
}


def texts(node):
    """Strings of a function as they would be written, with 1 in every place."""
    if isinstance(node, ast.JoinedStr):
        yield "".join(part.value if isinstance(part, ast.Constant) else "1" for part in node.values)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    else:
        for child in ast.iter_child_nodes(node):
            yield from texts(child)


def written():
    for path, names in WRITERS.items():
        tree = ast.parse((SOURCE / path).read_text(encoding="utf-8"))
        found = [each for each in tree.body if isinstance(each, ast.FunctionDef) and each.name in names]
        assert len(found) == len(names)
        for function in found:
            yield from ((path, text) for text in texts(function) if " " in text.strip())


def sentences_of(text):
    return [each.strip() for each in re.split(r"(?<=[.])\s+", text.strip()) if re.search("[A-Za-z]", each)]


@pytest.mark.parametrize(("path", "text"), list(written()))
def test_all_that_the_code_writes_is_in_the_catalogue(path, text):
    for sentence in sentences_of(text):
        complete = sentence if sentence.endswith(".") else f"{sentence}."
        begins = any(pattern.match(complete) or pattern.pattern.startswith(re.escape(sentence[:12]))
                     for pattern, _ in known_sentences())  # fmt: skip
        inside = any(sentence.strip(". ,") in entry["en"] for _, entry in known_sentences())
        assert begins or inside, f"{path} writes {sentence!r}; add it to report/sentences.yaml"


def test_both_languages_have_the_same_places():
    for entry in yaml.safe_load(files("yori.report").joinpath("sentences.yaml").read_text(encoding="utf-8")):
        places = [{name for _, name, _, _ in string.Formatter().parse(entry[lang]) if name} for lang in ("en", "ko")]
        assert places[0] == places[1]


REASON = (
    "Its label hurts validation aurc_soft, and heads and neighbours that never saw it agree on another. "
    "Out of fold: bell 0.91, its own label 0.03. Chosen by 3 of 4 runs that train on it."
)


def test_numbers_and_names_are_kept():
    text, language = said(f"{REASON}; {REASON}", "ko")
    assert language == "ko"
    assert text.count("bell 0.91") == text.count("0.03") == text.count("4건 중 3건") == text.count("aurc_soft") == 2
    assert not re.search(r"[a-z]{3,} [a-z]{3,}", text.replace("bell", "").replace("aurc_soft", ""))


def test_english_stays_as_it_was():
    assert said(REASON, "en") == (REASON, "en")


def test_one_unknown_sentence_keeps_the_whole_text():
    assert said(f"{REASON} And another thing.", "ko") == (f"{REASON} And another thing.", "en")


def test_braces_and_regular_expressions_in_names_are_only_text():
    text, _ = said("Out of fold: {label} (.*)+ 0.50, its own label 0.10.", "ko")
    assert "{label} (.*)+ 0.50" in text
