"""Which small defects could a module have?  Its syntax tree, changed in one place at a time.

Comparisons, `and`/`or`/`not`, constants, arithmetic, what is returned, statements and calls left
out, arguments swapped, `any`/`all` and the like. Annotations, docstrings, decorators, the options
of classes and (unless asked for) prose are left as they are.
"""

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import CodeType

Node = ast.expr | ast.stmt | ast.cmpop | ast.boolop | ast.operator | ast.comprehension

_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitAnd,
}
_NAMES = {
    "any": "all",
    "all": "any",
    "min": "max",
    "max": "min",
    "startswith": "endswith",
    "endswith": "startswith",
    "partition": "rpartition",
    "rpartition": "partition",
    "find": "rfind",
    "removeprefix": "removesuffix",
    "removesuffix": "removeprefix",
    "fullmatch": "match",
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One defect: where it is, in which function, and the module that has it."""

    line: int
    column: int
    change: str  # `what was there` → `what is there now`
    function: str  # the outermost function around it, by its qualified name; "" for none
    around: tuple[int, ...]  # first lines of the functions around it, the innermost first
    compile: Callable[[str], CodeType]

    def key(self, module: str) -> str:
        return f"{module}:{self.line}:{self.column}: {self.change}"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a node stands: it can be replaced there and put back."""

    owner: ast.AST
    field: str
    index: int | None

    def put(self, node: ast.AST) -> None:
        if self.index is None:
            setattr(self.owner, self.field, node)
        else:
            getattr(self.owner, self.field)[self.index] = node


def mutants(source: str, *, prose: bool = False) -> Iterator[Mutant]:
    """Every mutant of a module, in the order of its text."""
    tree = ast.parse(source)
    for place, node, functions in _places(tree):
        for replacement in _replacements(node, prose=prose):
            at = node if hasattr(node, "lineno") else place.owner
            yield Mutant(
                line=at.lineno,  # type: ignore[attr-defined]  # every owner of an operator has one
                column=at.col_offset,  # type: ignore[attr-defined]  # as above
                change=_change(place, node, replacement),
                function=".".join(name for name, _ in functions),
                around=tuple(line for _, line in reversed(functions) if line),
                compile=_compiler(tree, place, node, replacement),
            )


def _compiler(
    tree: ast.Module, place: _Place, node: ast.AST, replacement: ast.AST
) -> Callable[[str], CodeType]:
    def compiled(path: str) -> CodeType:
        place.put(replacement)
        try:
            return compile(ast.fix_missing_locations(tree), path, "exec", dont_inherit=True)
        finally:
            place.put(node)

    return compiled


def _change(place: _Place, node: ast.AST, replacement: ast.AST) -> str:
    shown = place.owner if isinstance(node, ast.cmpop | ast.boolop | ast.operator) else node
    before = ast.unparse(shown)
    place.put(replacement)
    after = ast.unparse(shown if shown is place.owner else replacement)
    place.put(node)
    short = [" ".join(text.split())[:100] for text in (before, after)]
    return f"{short[0]} → {short[1]}"


Functions = tuple[tuple[str, int], ...]
"""Classes and functions around a node, the outermost first; a class has the line 0."""


def _places(tree: ast.Module) -> Iterator[tuple[_Place, ast.AST, Functions]]:
    yield from _below(tree, ())


def _below(owner: ast.AST, functions: Functions) -> Iterator[tuple[_Place, ast.AST, Functions]]:
    for field, value in ast.iter_fields(owner):
        if field in ("annotation", "returns", "decorator_list", "keywords", "bases", "type_params"):
            if not (field == "keywords" and isinstance(owner, ast.Call)):
                continue
            if isinstance(owner.func, ast.Name) and owner.func.id in ("lru_cache", "field"):
                continue
        for index, node in enumerate(value if isinstance(value, list) else [value]):
            if not isinstance(node, ast.AST) or _is_left_alone(owner, field, node):
                continue
            place = _Place(owner, field, index if isinstance(value, list) else None)
            inside = functions
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                inside = (*functions, _named(node))
            if field in ("defaults", "kw_defaults"):
                inside = functions[:-1]  # they are made where the function is
            yield place, node, inside
            yield from _below(node, inside)


def _named(node: ast.FunctionDef | ast.ClassDef) -> tuple[str, int]:
    if isinstance(node, ast.ClassDef):
        return node.name, 0
    return node.name, min([node.lineno, *(one.lineno for one in node.decorator_list)])


def _is_left_alone(owner: ast.AST, field: str, node: ast.AST) -> bool:
    """Docstrings, imports, and what only describes: `__all__`, `__slots__`, type aliases."""
    if isinstance(node, ast.Import | ast.ImportFrom | ast.FormattedValue) and field != "values":
        return True
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True
    if isinstance(node, ast.Assign):
        names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        alias = (
            isinstance(node.value, ast.Subscript | ast.BinOp) and names and names[0][0].isupper()
        )
        typed = alias and not names[0].isupper()
        return bool(typed) or names in (["__all__"], ["__slots__"])
    return isinstance(owner, ast.arguments) and field in ("posonlyargs", "args", "kwonlyargs")


def _replacements(node: ast.AST, *, prose: bool) -> Iterator[ast.AST]:
    match node:
        case ast.cmpop():
            yield from (other() for other in _COMPARISONS[type(node)])
        case ast.And():
            yield ast.Or()
        case ast.Or():
            yield ast.And()
        case ast.operator():
            yield _ARITHMETIC[type(node)]()
        case ast.BoolOp(values=values):
            for left_out in range(len(values)):
                kept = [value for i, value in enumerate(values) if i != left_out]
                yield kept[0] if len(kept) == 1 else ast.BoolOp(node.op, kept)
        case ast.UnaryOp(operand=operand):
            yield operand
        case ast.Constant():
            yield from _constants(node, prose=prose)
        case ast.Call():
            yield from _calls(node)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            if _is_plain(test):
                yield ast.IfExp(test, orelse, body)
        case ast.Return(value=value) if value is not None and not _is_none(value):
            yield ast.Return(ast.Constant(None))
        case ast.If() | ast.While() if _is_plain(node.test):
            changed = copy.copy(node)
            changed.test = ast.UnaryOp(ast.Not(), node.test)
            yield changed
        case ast.comprehension(ifs=[_, *_]):
            yield ast.comprehension(node.target, node.iter, [], node.is_async)
        case ast.Expr() | ast.AugAssign() | ast.Raise() | ast.Continue() | ast.Break():
            yield ast.Pass()
        case ast.Name(id=name, ctx=ast.Load()) if name in _NAMES:
            yield ast.Name(_NAMES[name], ast.Load())
        case ast.Attribute(value=value, attr=name) if name in _NAMES:
            yield ast.Attribute(value, _NAMES[name], ast.Load())


def _is_plain(test: ast.expr) -> bool:
    """Is this a test that has no operator of its own to change?"""
    return not isinstance(test, ast.Compare | ast.BoolOp | ast.UnaryOp)


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _constants(node: ast.Constant, *, prose: bool) -> Iterator[ast.AST]:
    value = node.value
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int):
        yield ast.Constant(value + 1)
    elif isinstance(value, str) and (prose or " " not in value.strip()):
        yield ast.Constant(f"{value}~")
    elif isinstance(value, bytes):
        yield ast.Constant(value + b"~")


def _calls(node: ast.Call) -> Iterator[ast.AST]:
    """Two neighbours swapped; a call of one argument, or of a method without any, left out."""
    arguments = node.args
    if any(isinstance(one, ast.Starred) for one in arguments):
        return
    same = isinstance(node.func, ast.Name) and node.func.id in ("max", "min")
    for i in range(0 if same else len(arguments) - 1):
        swapped = [*arguments[:i], arguments[i + 1], arguments[i], *arguments[i + 2 :]]
        if ast.dump(arguments[i]) != ast.dump(arguments[i + 1]):
            yield ast.Call(node.func, swapped, node.keywords)
    if len(arguments) == 1 and not node.keywords:
        yield arguments[0]
    if not arguments and not node.keywords and isinstance(node.func, ast.Attribute):
        yield node.func.value
