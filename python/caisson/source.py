"""What a script's source becomes: a coroutine function. Its parsed body is wrapped, and not its text, so that lines
and the text of strings stay as they are."""

import __future__
import ast
import linecache
import warnings
from types import CodeType

# The name in tracebacks, as Python's own. No source can have it.
BODY = "<module>"
IMPORT_ALL = "<import *>"


class Source:
    """A source that is compiled."""

    def __init__(self, name, text, runs):
        """Compiles. `runs` says whether the source may return a value, and whether the value of its last expression
        is one. The error is a SyntaxError, or what the compiler says of a source that is too much for it."""
        self.name = name
        self.text = text.removeprefix("\ufeff")
        # Tracebacks and inspect.getsource have their lines from here.
        lines = [line + "\n" for line in self.text.split("\n")]
        linecache.cache[name] = (len(self.text), None, lines, name)
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            self._compile(runs)
        # The parser and the compiler have their own, and some are the same.
        for one in {(one.lineno, str(one.message)): one for one in seen}.values():
            warnings.warn_explicit(one.message, one.category, name, one.lineno)

    def _compile(self, runs):
        body, flags = self._parsed()
        self.defines_main = any(
            isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == "main" for node in body
        )
        if runs and not self.defines_main and body and isinstance(body[-1], ast.Expr):
            body[-1] = ast.copy_location(ast.Return(body[-1].value), body[-1])
        top = TopLevel(self.name, runs)
        body = [top.visit(node) for node in body]
        self.code = self._code(body, sorted(top.names), flags)

    def _parsed(self):
        """The statements, and the flags that are in the imports from __future__ at their beginning."""
        tree = ast.parse(self.text, self.name)
        self.doc = ast.get_docstring(tree, clean=False)
        flags = 0
        at = 1 if self.doc is not None else 0
        while at < len(tree.body) and is_future(tree.body[at]):
            for alias in tree.body.pop(at).names:
                flags |= getattr(__future__, alias.name).compiler_flag
        return tree.body, flags

    def _code(self, body, names, flags):
        """The code of a coroutine function with this body, where these names are the module's."""
        place = {"lineno": 1, "col_offset": 0, "end_lineno": 1, "end_col_offset": 0}
        declared = [ast.Global(names=names, **place)] if names else []
        function = ast.AsyncFunctionDef(
            name=BODY,
            args=ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[]),
            body=[*declared, *body] or [ast.Pass(**place)],
            decorator_list=[],
            type_params=[],
            **place,
        )
        module = ast.Module(body=[function], type_ignores=[])
        code = compile(module, self.name, "exec", flags=flags, dont_inherit=True)
        return next(const for const in code.co_consts if isinstance(const, CodeType) and const.co_name == BODY)


def is_future(node):
    """Whether it is an import of what there is from __future__. Of others the compiler says what is wrong."""
    return (
        isinstance(node, ast.ImportFrom)
        and node.module == "__future__"
        and not node.level
        and all(alias.name in __future__.all_feature_names for alias in node.names)
    )


class TopLevel(ast.NodeTransformer):
    """Rewrites the few things that a module may do and a function may not, and collects the names that are bound. It
    goes into no other scope but that of a comprehension, whose names may be declared global without harm."""

    def __init__(self, file, runs):
        self.names = set()
        self._file, self._runs = file, runs

    def visit_FunctionDef(self, node):
        self.names.add(node.name)
        self._each(node.decorator_list)
        return self.visit_Lambda(node)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node):
        # Defaults are not of the function's scope.
        self._each(node.args.defaults)
        self._each(node.args.kw_defaults)
        return node

    def visit_ClassDef(self, node):
        self.names.add(node.name)
        for expressions in (node.decorator_list, node.bases, node.keywords):
            self._each(expressions)
        return node

    def _each(self, expressions):
        expressions[:] = [one and self.visit(one) for one in expressions]

    def visit_Name(self, node):
        if not isinstance(node.ctx, ast.Load):
            self.names.add(node.id)
        return node

    def _named(self, node):
        if node.name is not None:
            self.names.add(node.name)
        return self.generic_visit(node)

    visit_ExceptHandler = visit_MatchAs = visit_MatchStar = _named

    def visit_MatchMapping(self, node):
        if node.rest is not None:
            self.names.add(node.rest)
        return self.generic_visit(node)

    def visit_Import(self, node):
        self.names.update(alias.asname or alias.name.partition(".")[0] for alias in node.names)
        return node

    def visit_ImportFrom(self, node):
        if node.names[0].name != "*":
            self.names.update(alias.asname or alias.name for alias in node.names)
            return node
        arguments = [ast.Constant(node.module or ""), ast.Constant(node.level)]
        return at(node, ast.Expr(ast.Call(func=ast.Name(IMPORT_ALL, ast.Load()), args=arguments, keywords=[])))

    def visit_AnnAssign(self, node):
        self.generic_visit(node)
        if not isinstance(node.target, ast.Name):
            return node
        # A name that is declared global cannot have an annotation.
        return at(node, ast.Pass() if node.value is None else ast.Assign(targets=[node.target], value=node.value))

    def visit_Call(self, node):
        self.generic_visit(node)
        name = node.func.id if isinstance(node.func, ast.Name) else None
        if not node.args and not node.keywords and name in ("locals", "vars"):
            node.func.id = "globals"
        elif name in ("exec", "eval") and len(node.args) == 1 and not node.keywords:
            node.args.append(at(node, ast.Call(func=ast.Name("globals", ast.Load()), args=[], keywords=[])))
        return node

    def visit_Yield(self, node):
        # The function around the body would take it.
        raise outside(node, "'yield' outside function", self._file)

    visit_YieldFrom = visit_Yield

    def visit_Return(self, node):
        if not self._runs:
            raise outside(node, "'return' outside function", self._file)
        return self.generic_visit(node)


def at(place, node):
    """A new node at the place of another."""
    return ast.fix_missing_locations(ast.copy_location(node, place))


def outside(node, message, name):
    line = linecache.getline(name, node.lineno)
    column = len(line.encode()[: node.col_offset].decode("utf-8", "replace")) + 1
    return SyntaxError(message, (name, node.lineno, column, line))


def import_all_into(namespace):
    """`from module import *`, for the module that has this namespace."""

    def import_all(module, level):
        exec(f"from {'.' * level}{module} import *", namespace)

    return import_all
