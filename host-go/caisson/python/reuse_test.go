package python_test

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/python"
)

// found says what an interpreter begins with. With a seed and a time it is the same in each run, and so is what it
// costs to find it out.
const found = `
import sys, os, builtins, gc, random, threading, warnings, signal, json, asyncio, locale, decimal, time, logging
def files(folder):
    try:
        return sorted(os.listdir(folder))
    except OSError as e:
        return str(e)
def open_file(fd):
    try:
        return os.fstat(fd).st_mode
    except OSError as e:
        return e.errno
def imported(name):
    try:
        __import__(name)
        return True
    except ImportError:
        return False
{
    "modules": sorted(sys.modules), "builtins": sorted(vars(builtins)), "json": sorted(vars(json)), "str": str(json.loads),
    "environment": dict(os.environ), "folder": os.getcwd(), "files": [files(f) for f in ("/", ".", "/tmp")],
    "descriptors": [open_file(fd) for fd in range(64)], "recursion": sys.getrecursionlimit(), "path": sys.path, "argv": sys.argv,
    "hooks": [str(sys.excepthook), str(sys.displayhook), str(sys.gettrace()), str(sys.getprofile()), len(sys.meta_path), len(sys.path_hooks)],
    "random": random.random(), "hash": hash("text"), "id": id(object()), "urandom": os.urandom(8).hex(),
    "filters": len(warnings.filters), "threads": threading.active_count(), "gc": [gc.isenabled(), gc.get_threshold(), len(gc.get_objects())],
    "decimal": str(decimal.getcontext()), "signal": str(signal.getsignal(signal.SIGINT)), "switch": sys.getswitchinterval(),
    "loggers": sorted(logging.root.manager.loggerDict), "imported": imported("secretmodule"), "blocks": sys.getallocatedblocks(), "time": time.time(),
}
`

// TestNothingOfAnotherRun has scripts change all that they can, and end in different ways: the next one finds nothing
// of it, and costs to the instruction what it would have cost as the first.
func TestNothingOfAnotherRun(t *testing.T) {
	r, set := shared(t), tools(t)
	now := time.Unix(1_700_000_000, 0)
	find := func() (string, uint64) {
		t.Helper()
		got, err := r.RunScript(t.Context(), caisson.Script{Language: python.Language, Source: found, Tools: set, Seed: 7, Now: now})
		if err != nil {
			t.Fatal(err)
		}
		return string(got.Value), got.Usage.Fuel
	}
	first, fuel := find()
	withPackage := python.WithPackages(fstest.MapFS{"secretmodule.py": {Data: []byte("x = 'the mark'")}})
	for _, hostile := range []struct {
		name, source string
		kind         caisson.ScriptErrorKind
		language     caisson.Language
	}{
		{name: "builtins", source: "import builtins, json\nbuiltins.mark = 'the mark'\nbuiltins.print = None\njson.loads = None\njson.mark = 1"},
		{name: "modules", source: "import sys, types\nsys.modules['secretmodule'] = types.ModuleType('secretmodule')\nsys.path.insert(0, '/mark')\nsys.meta_path.clear()\nsys.setrecursionlimit(5000)\nsys.argv[:] = ['the mark']"},
		{name: "environment", source: "import os\nos.environ['MARK'] = 'the mark'\nos.putenv('MARK2', 'x')"},
		{name: "files", source: "import os\nfor f in ('/mark', '/tmp/mark', 'mark'):\n    try:\n        open(f, 'w').write('the mark')\n        os.open(f, os.O_RDWR)\n    except OSError:\n        pass"},
		{name: "random", source: "import random, os\nrandom.seed(1)\n[random.random() for _ in range(1000)]\nos.urandom(1000)\n1"},
		{name: "hooks", source: "import sys, gc, warnings, signal, decimal, logging\nsys.excepthook = print\nsys.settrace(lambda *a: None)\nsys.setprofile(lambda *a: None)\ngc.disable()\nwarnings.simplefilter('ignore')\ndecimal.getcontext().prec = 5\nlogging.getLogger('mark')\n1"},
		{name: "much memory", source: "all = [('the mark %d' % i) * 10 for i in range(200000)]\nlen(all)"},
		{name: "one large block", source: "len(b'm' * (48 << 20))"},
		{name: "an exception", source: "raise ValueError('the mark')", kind: caisson.ScriptRuntime},
		{name: "no syntax", source: "the mark (", kind: caisson.ScriptSyntax},
		{name: "tasks that are left", source: "import asyncio\nasync def f():\n    await asyncio.sleep(1000)\nt = [asyncio.ensure_future(f()) for _ in range(100)]\nawait asyncio.sleep(0)\n1"},
		{name: "generators that are left", source: "def g():\n    try:\n        yield 1\n    finally:\n        import builtins\n        builtins.mark = 1\nx = g()\nnext(x)"},
		{name: "at exit", source: "import atexit\natexit.register(lambda: 1 / 0)\n1"},
		{name: "a call of a tool", source: "await tools.go.add(a=1, b=2)"},
		{name: "a package", source: "import secretmodule\nsecretmodule.x", language: withPackage},
		{name: "deep recursion", source: "def f(n):\n    return f(n + 1)\ntry:\n    f(0)\nexcept RecursionError:\n    pass\n1"},
	} {
		s := caisson.Script{Language: python.Language, Source: hostile.source, Tools: set, Input: "the mark"}
		if hostile.language != nil {
			s.Language = hostile.language
		}
		_, err := r.RunScript(t.Context(), s)
		var e *caisson.ScriptError
		if errors.As(err, &e) != (hostile.kind != "") || e != nil && e.Kind != hostile.kind {
			t.Errorf("%s: %v", hostile.name, err)
		}
		got, cost := find()
		if got != first || strings.Contains(got, "the mark") {
			at := 0
			for at < min(len(got), len(first)) && got[at] == first[at] {
				at++
			}
			t.Errorf("after %s the next finds %.300s\nand not %.300s", hostile.name, got[max(0, at-100):], first[max(0, at-100):])
		}
		if cost != fuel {
			t.Errorf("after %s the next uses %d units of fuel, and not %d", hostile.name, cost, fuel)
		}
	}
}
