import inspect
import re

from yori import errors


def test_the_tree_drawn_in_the_docstring_is_the_tree():
    drawn = {}
    for line in errors.__doc__.splitlines():
        match = re.match(r"    ([│├└─ ]*)(\w+Error)\b", line)
        if match:
            depth = len(match[1]) // 4
            drawn[match[2]] = depth
    classes = dict(inspect.getmembers(errors, inspect.isclass))
    parent = {name: cls.__bases__[0].__name__ for name, cls in classes.items()}
    assert set(drawn) == set(classes)
    stack = []
    for name, depth in drawn.items():
        del stack[depth:]
        assert parent[name] == (stack[-1] if stack else "Exception"), name
        stack.append(name)


def test_exit_codes_are_the_ones_drawn():
    for name, code in re.findall(r"(\w+Error) +(?:exit code )?(\d)", errors.__doc__):
        assert getattr(errors, name).exit_code == int(code)


def test_missing_extra_prints_the_install_line():
    assert 'pip install "yori[edge]"' in str(errors.MissingExtraError("INT8 export", "edge"))
