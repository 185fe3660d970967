"""The check of faces sees each way past them, and nothing else."""

from pathlib import Path

import pytest
from scripts.faces import House

KEPT = {
    "room/__init__.py": '"""A room."""',
    "room/inner/__init__.py": '"""A face."""\nfrom keystead.room.inner.one import shown',
    "room/inner/one.py": "from keystead.room.inner.two import hidden\nshown = hidden",
    "room/inner/two.py": "hidden = 1",
    "room/outer.py": "from keystead.room.inner import shown\nfrom keystead.room import inner",
}


def house(root: Path, changed: dict[str, str]) -> list[str]:
    """What is found in the kept house, with some files changed."""
    for name, text in {"__init__.py": "", **KEPT, **changed}.items():
        path = root / "keystead" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    built = House(root / "keystead")
    return [*built.wrong_doors(), *built.masks(), *built.circles()]


def test_a_house_that_is_kept(tmp_path: Path) -> None:
    """A face with a list of imports, and others that use it, are as they should be."""
    assert house(tmp_path, {}) == []


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"room/outer.py": "from keystead.room.inner.one import shown"}, "is not on the face"),
        ({"room/outer.py": "import keystead.room.inner.two"}, "is not on the face"),
        ({"room/outer.py": "from keystead.room.inner import two"}, "is not on the face"),
        ({"room/outer.py": "def f():\n    from keystead.room.inner import two"}, "not on the face"),
        ({"room/inner/__init__.py": "from keystead.room.inner.one import shown\nx = 1"}, "logic"),
        ({"room/inner/__init__.py": "from keystead.room.outer import x as shown"}, "logic"),
        ({"room/inner/two.py": "def f():\n    from keystead.room.inner import shown"}, "a circle"),
        ({"room/inner/two.py": "import keystead.room.outer"}, "a circle"),
    ],
)
def test_each_way_past_a_face(tmp_path: Path, changed: dict[str, str], found: str) -> None:
    """A module behind a face, logic on it, and circles by late imports are told."""
    assert any(found in sentence for sentence in house(tmp_path, changed))
