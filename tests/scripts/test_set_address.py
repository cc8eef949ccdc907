"""A fork changes the repository's address with one command."""

import pytest
from nbformat.v4 import new_code_cell, new_notebook

import set_address
from normalise import dumps, normalise

OLD = "https://github.com/downhill-course/downhill"
NEW = "https://github.com/somebody/down-hill"
COLAB = "https://colab.research.google.com/github/downhill-course/downhill/blob/main/x.ipynb"


@pytest.fixture
def tree(tmp_path):
    """Return a small copy of the project: one file of each kind that names the address."""
    files = {
        "_config.yml": f"title: x\nrepository:\n  branch: main\n  url: {OLD}\nhtml: {{}}\n",
        "CITATION.cff": f"repository-code: {OLD}\n",
        "README.md": f"[code]({OLD}/issues), [Colab]({COLAB}), {OLD}-other\n",
        "index.md": f"{OLD}\n",
        "pyproject.toml": f'Repository = "{OLD}"\n',
        "gdutils/__init__.py": f'REPOSITORY = "{OLD}"\n',
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    notebook = new_notebook(cells=[new_code_cell(f"%pip install git+{OLD}")])
    (tmp_path / "chapters").mkdir()
    (tmp_path / "chapters/01-x.ipynb").write_text(dumps(normalise(notebook)))
    return tmp_path


def run(tree, *arguments):
    return set_address.main([*arguments, "--root", str(tree)])


def contents(tree):
    return {path: path.read_text() for path in tree.rglob("*") if path.is_file()}


def test_new_address_stands_everywhere_and_the_old_one_nowhere(tree):
    assert run(tree, "--set", NEW) == 0
    for path, text in contents(tree).items():
        assert NEW in text, path
        assert OLD not in text.replace(f"{OLD}-other", ""), path
    assert (
        "colab.research.google.com/github/somebody/down-hill/blob"
        in contents(tree)[tree / "README.md"]
    )
    assert run(tree, "--check") == 0


def test_address_that_only_begins_the_same_is_left_alone(tree):
    run(tree, "--set", NEW)
    assert f"{OLD}-other" in (tree / "README.md").read_text()


def test_changed_notebook_is_in_normal_form(tree):
    run(tree, "--set", NEW)
    text = (tree / "chapters/01-x.ipynb").read_text()
    expected = new_notebook(cells=[new_code_cell(f"%pip install git+{NEW}")])
    assert text == dumps(normalise(expected))


def test_second_time_changes_nothing(tree, capsys):
    run(tree, "--set", NEW)
    before = contents(tree)
    run(tree, "--set", NEW)
    assert contents(tree) == before
    assert "nothing to change" in capsys.readouterr().out


def test_there_and_back_gives_every_byte_again(tree):
    before = contents(tree)
    run(tree, "--set", NEW)
    run(tree, "--set", OLD)
    assert contents(tree) == before


@pytest.mark.parametrize("name", ["README.md", "chapters/01-x.ipynb", "gdutils/__init__.py"])
def test_check_names_the_file_that_differs(tree, name, capsys):
    path = tree / name
    path.write_text(path.read_text().replace(OLD, NEW))
    assert run(tree, "--check") == 1
    assert name in capsys.readouterr().out


@pytest.mark.parametrize(
    "address",
    ["http://github.com/a/b", f"{OLD}/", f"{OLD}.git", "https://github.com/a", "", "a b"],
)
def test_unfit_address_is_refused_and_nothing_written(tree, address, capsys):
    before = contents(tree)
    with pytest.raises(SystemExit):
        run(tree, "--set", address)
    assert repr(address) in capsys.readouterr().err
    assert contents(tree) == before
