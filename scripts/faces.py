"""Are the faces kept?  What `make check` asks of the packages inside a room.

    a face is a docstring and a list of imports from its own package, and nothing else
    a module inside is imported from outside by its face alone
    no module imports itself by way of others, late imports included

import-linter proves the order of the rooms; it takes `from package import name` for the module
`name` wherever there is one, so that it cannot tell a face from what stands behind it.
"""

import ast
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent / "src" / "keystead"
WITHOUT = {
    "keystead.wire.models": "generated: each of its modules is what it shows",
}
LATE = {
    "keystead.server.telemetry.exposition": "at the first scrape: Prometheus's library is slow",
}


@dataclass(frozen=True, slots=True)
class Import:
    """One name that a module imports."""

    importer: str
    line: int
    package: str  # what stands behind `from`, or the whole of `import`
    name: str


class House:
    """The modules of a package, and what they import from each other."""

    def __init__(self, root: Path) -> None:
        self.paths = {_module(root, path): path for path in sorted(root.rglob("*.py"))}
        self.trees = {name: ast.parse(path.read_bytes()) for name, path in self.paths.items()}
        self.root = root.name
        self.faces = {
            name: _exports(self.trees[name])
            for name, path in self.paths.items()
            if path.name == "__init__.py" and name.count(".") > 1 and name not in WITHOUT
        }

    def imports(self) -> Iterator[Import]:
        for importer, tree in self.trees.items():
            for node in ast.walk(tree):
                if isinstance(node, ast.ImportFrom) and _is_ours(node.module or "", self.root):
                    for alias in node.names:
                        yield Import(importer, node.lineno, node.module or "", alias.name)
                elif isinstance(node, ast.Import):
                    for alias in node.names:
                        if _is_ours(alias.name, self.root):
                            yield Import(importer, node.lineno, alias.name, "")

    def face_of(self, module: str, importer: str) -> str | None:
        """The outermost face that stands between a module and its importer."""
        around = (name for name in _around(module) if name in self.faces)
        return next((face for face in around if not _inside(importer, face)), None)

    def wrong_doors(self) -> Iterator[str]:
        """Imports that go past a face."""
        for one in self.imports():
            face = self.face_of(one.package, one.importer)
            if face is None or one.package in LATE:
                continue
            if one.package != face or one.name not in {"", *self.faces[face]}:
                where = f"{self.paths[one.importer]}:{one.line}"
                name = f"{one.package}.{one.name}".rstrip(".")
                yield f"{where}: `{name}` is not on the face of `{face}`"

    def masks(self) -> Iterator[str]:
        """Faces that are more than a docstring and a list of imports."""
        for face in self.faces:
            for node in self.trees[face].body:
                if not _belongs_on_a_face(node, face):
                    yield f"{self.paths[face]}:{node.lineno}: a face has no logic"

    def edges(self) -> dict[str, set[str]]:
        """Which modules a module imports, the packages on the way included."""
        found: dict[str, set[str]] = {name: set() for name in self.paths}
        for one in self.imports():
            target = self._imported(one)
            on_the_way = (name for name in _around(target) if not _inside(one.importer, name))
            found[one.importer] |= self.paths.keys() & {*on_the_way, target} - {one.importer}
        return found

    def _imported(self, one: Import) -> str:
        """What an import brings in: from outside, the face; from inside, the module behind it."""
        full = f"{one.package}.{one.name}"
        by_face = one.package in self.faces and not _inside(one.importer, one.package)
        return full if full in self.paths and not by_face else one.package

    def circles(self) -> Iterator[str]:
        """Modules that import themselves by way of others."""
        edges, done = self.edges(), set[str]()
        for start in edges:
            yield from _circles(start, edges, done, [])


def _circles(
    module: str, edges: Mapping[str, set[str]], done: set[str], way: list[str]
) -> Iterator[str]:
    if module in way:
        yield "a circle: " + " -> ".join([*way[way.index(module) :], module])
        return
    if module in done:
        return
    for target in sorted(edges[module]):
        yield from _circles(target, edges, done, [*way, module])
    done.add(module)


def _module(root: Path, path: Path) -> str:
    parts = path.relative_to(root.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _is_ours(name: str, root: str) -> bool:
    return name == root or name.startswith(f"{root}.")


def _inside(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def _around(module: str) -> Iterator[str]:
    """The packages around a module, and the module, from the outermost inwards."""
    parts = module.split(".")
    for count in range(1, len(parts) + 1):
        yield ".".join(parts[:count])


def _exports(tree: ast.Module) -> frozenset[str]:
    return frozenset(
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    )


def _belongs_on_a_face(node: ast.stmt, face: str) -> bool:
    match node:
        case ast.Expr(value=ast.Constant(value=str())):
            return True
        case ast.ImportFrom(module=str() as module):
            return _inside(module, face)
        case ast.Assign(targets=[ast.Name(id="__all__")]):
            return True
    return False


def main() -> int:
    house = House(ROOT)
    found = [*house.wrong_doors(), *house.masks(), *house.circles()]
    for sentence in found:
        print(sentence)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
