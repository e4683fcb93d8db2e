"""The library: what a script may import is imported here, when the component is built, and is in its snapshot."""

import importlib
import pkgutil
import sys
from importlib.machinery import SourceFileLoader

# Modules that are not there, and what to say of it. Their imports fail with it.
ABSENT = {
    "ssl": "there is no network in the sandbox: call a tool",
    "_ssl": "there is no network in the sandbox: call a tool",
    "ctypes": "the sandbox has no native code",
    "_ctypes": "the sandbox has no native code",
    "multiprocessing": "the sandbox has no processes and no threads: use asyncio",
    "_multiprocessing": "the sandbox has no processes and no threads: use asyncio",
    "curses": "the sandbox has no terminal",
    "readline": "the sandbox has no terminal",
    "tkinter": "the sandbox has no display",
    "turtle": "the sandbox has no display",
    "idlelib": "the sandbox has no display",
    "pip": "packages come from a folder that the host gives to a script",
    "ensurepip": "packages come from a folder that the host gives to a script",
    "venv": "packages come from a folder that the host gives to a script",
}
# Modules that CPython has removed since 3.8, by the version that lacks them.
REMOVED = {
    "3.9": ["_dummy_thread", "dummy_threading"],
    "3.10": ["formatter", "parser", "symbol"],
    "3.11": ["binhex"],
    "3.12": ["asynchat", "asyncore", "distutils", "imp", "smtpd"],
    "3.13": [
        "aifc", "audioop", "cgi", "cgitb", "chunk", "crypt", "imghdr", "lib2to3", "mailcap", "msilib", "nis", "nntplib",
        "ossaudiodev", "pipes", "sndhdr", "spwd", "sunau", "telnetlib", "uu", "xdrlib",
    ],
}  # fmt: skip
# Packages with native code, that people ask for most.
NATIVE = {
    "numpy", "pandas", "scipy", "matplotlib", "sklearn", "torch", "tensorflow", "PIL", "cv2", "lxml", "cryptography",
    "pydantic_core", "orjson", "psycopg2", "grpc", "polars", "pyarrow", "aiohttp",
}  # fmt: skip
# Modules of the standard library that are of no use in a sandbox without network, processes and terminal, or that
# only show something when they are imported.
LEFT_OUT = {
    "__hello__", "__phello__", "antigravity", "asyncio.tools", "asyncio.windows_events", "asyncio.windows_utils", "bdb",
    "concurrent.futures.process", "doctest", "ensurepip", "ftplib", "http.server", "idlelib", "imaplib", "mailbox",
    "multiprocessing", "pdb", "poplib", "pydoc", "pydoc_data", "smtplib", "socketserver", "test", "this", "tkinter",
    "turtle", "turtledemo", "venv", "webbrowser", "wsgiref", "xmlrpc",
}  # fmt: skip

ENCODINGS = [
    "ascii", "base64_codec", "big5", "bz2_codec", "charmap", "cp1250", "cp1251", "cp1252", "cp437", "cp850", "cp932",
    "cp949", "euc_jp", "euc_kr", "gb18030", "gb2312", "gbk", "hex_codec", "idna", "iso8859_1", "iso8859_15",
    "iso8859_2", "iso8859_5", "iso8859_7", "iso8859_9", "koi8_r", "koi8_u", "latin_1", "mac_roman", "punycode",
    "quopri_codec", "raw_unicode_escape", "rot_13", "shift_jis", "unicode_escape", "utf_16", "utf_16_be",
    "utf_16_le", "utf_32", "utf_32_be", "utf_32_le", "utf_7", "utf_8", "utf_8_sig", "zlib_codec",
]  # fmt: skip


def source_to_code(self, data, path, fullname=None, **options):
    """Compiles a module of the library without its documentation and its asserts, as `python -OO` does: they would
    be in each program that has Python, and a script reads neither."""
    return compile(data, path, "exec", dont_inherit=True, optimize=2)


of_python = SourceFileLoader.source_to_code
SourceFileLoader.source_to_code = source_to_code
there, missing = [], {}
# Modules in Python that stand in for those in C, and what is for other systems.
SPARE = ("_pydatetime", "_pydecimal", "_pyio", "_pyrepl", "_aix", "_android", "_apple", "_ios", "_osx", "_sysconfigdata")


def modules():
    """The names of all modules of the library that are to be there."""
    for name in sorted(sys.stdlib_module_names - LEFT_OUT):
        if not name.startswith(SPARE):
            yield name
            # By then it is imported, and knows where its parts are.
            if name != "encodings":
                yield from parts(sys.modules.get(name), name)
    yield from (f"encodings.{name}" for name in ENCODINGS)


def parts(package, name):
    for part in pkgutil.iter_modules(getattr(package, "__path__", [])):
        full = f"{name}.{part.name}"
        if full not in LEFT_OUT and part.name != "__main__":
            yield full
            yield from parts(sys.modules.get(full), full)


for name in modules():
    try:
        importlib.import_module(name)
        there.append(name)
    except BaseException as error:  # Whatever it says: it is not there.
        missing[name] = error
SourceFileLoader.source_to_code = of_python


class Absent:
    """The last finder: says why a module is not there."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        root = name.partition(".")[0]
        removed = [version for version, names in REMOVED.items() if root in names]
        if root in ABSENT:
            why = ABSENT[root]
        elif removed:
            why = f"CPython has none since {removed[0]}"
        elif root in NATIVE:
            why = "it has native code, and the sandbox runs only pure Python"
        elif root in sys.stdlib_module_names:
            why = "this module of the standard library is not in the sandbox"
        elif path is not None:
            return None  # The package is there, and its module is not.
        else:
            why = "it is neither in the standard library nor in the packages that the host gives to the script"
        raise ModuleNotFoundError(f"No module named {name!r}: {why}", name=name)


sys.meta_path.append(Absent)
