"""What a script's source becomes: a coroutine function. Its parsed body is wrapped, and not its text, so that lines
and the text of strings stay as they are."""

import __future__
import ast
import linecache
import warnings

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
        # The parser and each compilation have their own, and some are the same.
        for _, one in sorted({(one.lineno, str(one.message)): (at, one) for at, one in enumerate(seen)}.values(), key=lambda pair: pair[0]):
            warnings.warn_explicit(one.message, one.category, name, one.lineno)

    def _compile(self, runs):
        name = self.name
        body, flags = self._parsed()
        self.defines_main = any(
            isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == "main" for node in body
        )
        # The function around the body would take it.
        refuse(body, (ast.Yield, ast.YieldFrom), "'yield' outside function", name)
        if not runs:
            refuse(body, ast.Return, "'return' outside function", name)
        elif not self.defines_main and body and isinstance(body[-1], ast.Expr):
            body[-1] = ast.copy_location(ast.Return(body[-1].value), body[-1])
        top = TopLevel()
        body = [one for node in body for one in top.statement(node)]
        # What is bound at the top level is the module's. Compiled as a function it shows which names those are.
        bound = self._code(body, [], flags)
        names = sorted({name for name in bound.co_varnames + bound.co_cellvars if name.isidentifier()})
        self.code = self._code(body, names, flags)

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
        declared = [ast.Global(names=names)] if names else []
        function = ast.AsyncFunctionDef(
            name=BODY,
            args=ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[]),
            body=[*declared, *body] or [ast.Pass()],
            decorator_list=[],
            type_params=[],
        )
        module = ast.fix_missing_locations(ast.Module(body=[function], type_ignores=[]))
        code = compile(module, self.name, "exec", flags=flags, dont_inherit=True)
        return next(const for const in code.co_consts if hasattr(const, "co_code") and const.co_name == BODY)


def is_future(node):
    """Whether it is an import of what there is from __future__. Of others the compiler says what is wrong."""
    return (
        isinstance(node, ast.ImportFrom)
        and node.module == "__future__"
        and not node.level
        and all(alias.name in __future__.all_feature_names for alias in node.names)
    )


class TopLevel(ast.NodeTransformer):
    """Rewrites the few things that a module may do and a function may not. It does not go into other scopes."""

    def statement(self, node):
        made = self.visit(node)
        return made if isinstance(made, list) else [made]

    def _leave(self, node):
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = visit_Lambda = _leave

    def visit_AnnAssign(self, node):
        self.generic_visit(node)
        if not isinstance(node.target, ast.Name):
            return node
        # A name that is declared global cannot have an annotation.
        if node.value is None:
            return ast.copy_location(ast.Pass(), node)
        return ast.copy_location(ast.Assign(targets=[node.target], value=node.value), node)

    def visit_ImportFrom(self, node):
        if node.names[0].name != "*":
            return node
        call = ast.Call(
            func=ast.Name(IMPORT_ALL, ast.Load()),
            args=[ast.Constant(node.module or ""), ast.Constant(node.level)],
            keywords=[],
        )
        return ast.fix_missing_locations(ast.copy_location(ast.Expr(call), node))

    def visit_Call(self, node):
        self.generic_visit(node)
        name = node.func.id if isinstance(node.func, ast.Name) else None
        if not node.args and not node.keywords and name in ("locals", "vars"):
            node.func.id = "globals"
        elif name in ("exec", "eval") and len(node.args) == 1 and not node.keywords:
            the_globals = ast.Call(func=ast.Name("globals", ast.Load()), args=[], keywords=[])
            node.args.append(ast.fix_missing_locations(ast.copy_location(the_globals, node)))
        return node


def at_top(body):
    """All nodes that are not in another scope."""
    todo = list(reversed(body))
    while todo:
        node = todo.pop()
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            todo.extend(ast.iter_child_nodes(node))


def refuse(body, types, message, name):
    """Fails where one of these nodes is at the top level."""
    for node in at_top(body):
        if isinstance(node, types):
            raise outside(node, message, name)


def outside(node, message, name):
    line = linecache.getline(name, node.lineno)
    column = len(line.encode()[: node.col_offset].decode("utf-8", "replace")) + 1
    return SyntaxError(message, (name, node.lineno, column, line))


def import_all_into(namespace):
    """`from module import *`, for the module that has this namespace."""

    def import_all(module, level):
        exec(f"from {'.' * level}{module} import *", namespace)

    return import_all
