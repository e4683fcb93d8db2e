package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/caisson-dev/caisson/host-go/bench/internal/wire"
)

// The peers that figures about scripts are about.
const (
	inGoja        = "goja"
	nodeProcess   = "Node, a process each"
	pythonProcess = "CPython, a process each"
	pythonKept    = "CPython, one process"
)

// A scriptPeer is a program that runs scripts.
type scriptPeer struct {
	*peer
	languages []string
	parallel  bool // it has many runs at once; the others' take turns
}

func (p scriptPeer) runs(c Cell) bool {
	return slices.Contains(p.languages, c.Transport) && (c.InFlight == 1 || p.parallel)
}

func scriptPeers() []scriptPeer {
	js, py := []string{wire.JavaScript}, []string{wire.Python}
	worker := func(prepare func(*workshop) ([]string, error), flags ...string) func(*workshop) ([]string, error) {
		return func(w *workshop) ([]string, error) {
			command, err := prepare(w)
			if err != nil {
				return nil, err
			}
			program, err := w.build("scripts-worker", "./peers/scripts/worker", nil)
			return slices.Concat([]string{program}, flags, []string{"--"}, command), err
		}
	}
	return []scriptPeer{
		{&peer{name: ours, about: "this repository, a sandbox for each run", caches: true, prepare: goScripts("caisson")}, append(js, py...), true},
		{&peer{name: inGoja, about: "github.com/dop251/goja in the Go program, an engine for each run", prepare: goScripts("goja")}, js, true},
		{&peer{name: "QuickJS on Node", about: "quickjs-emscripten, WebAssembly in a process of Node, an engine for each run", prepare: worker(quickJS)}, js, false},
		{&peer{name: nodeProcess, about: "a process of Node for each run", prepare: worker(onNodeItself, "-each")}, js, true},
		{&peer{name: "Node, one process", about: "a process of Node for all runs, without walls between them", prepare: worker(onNodeItself)}, js, false},
		{&peer{name: pythonProcess, about: "a process of CPython for each run", prepare: worker(onPythonItself, "-each")}, py, true},
		{&peer{name: pythonKept, about: "a process of CPython for all runs, without walls between them", prepare: worker(onPythonItself)}, py, false},
		{&peer{name: "CPython by gRPC", about: "a process of CPython for all runs, behind gRPC, without walls between them", prepare: worker(withPackages("serve_grpc.py"), "-over", "grpc")}, py, false},
		{&peer{name: "CPython by cgo", about: "CPython in the Go program, for all runs, without walls between them", prepare: pythonByCgo}, py, false},
		{&peer{name: "Monty", about: "pydantic-monty, in a process of CPython, a session for each run", prepare: worker(withPackages("monty.py"))}, py, false},
	}
}

func goScripts(name string) func(*workshop) ([]string, error) {
	return func(w *workshop) ([]string, error) {
		program, err := w.build("scripts-"+name, "./peers/scripts/"+name, nil)
		return []string{program}, err
	}
}

func (w *workshop) scriptFiles(language string) string {
	return filepath.Join(w.source, "peers", "scripts", language)
}

// itself is the program behind a name: what finds a version of it first takes its time.
func itself(name, what string, ask ...string) (string, error) {
	if _, err := exec.LookPath(name); err != nil {
		return "", fmt.Errorf("there is no %s on this machine", what)
	}
	program := output("", name, ask...)
	if program == "" {
		return "", fmt.Errorf("%s does not say where it is", name)
	}
	return program, nil
}

func onNodeItself(w *workshop) ([]string, error) {
	node, err := nodeItself()
	return []string{node, filepath.Join(w.scriptFiles("node"), "node.mjs")}, err
}

func pythonItself() (string, error) {
	return itself("python3", "Python", "-c", "import sys; print(sys.executable)")
}

func onPythonItself(w *workshop) ([]string, error) {
	python, err := pythonItself()
	return []string{python, filepath.Join(w.scriptFiles("python"), "worker.py")}, err
}

// withPackages is a worker in Python with the packages that are pinned for it.
func withPackages(file string) func(*workshop) ([]string, error) {
	return func(w *workshop) ([]string, error) {
		python, err := w.environment(w.scriptFiles("python"))
		return []string{python, filepath.Join(w.scriptFiles("python"), file)}, err
	}
}

func pythonByCgo(w *workshop) ([]string, error) {
	python, err := pythonItself()
	if err != nil {
		return nil, err
	}
	program, err := w.buildEmbedded(python, "scripts-embedded", "./peers/scripts/embedded")
	return []string{program, "-python", python, "-folder", w.scriptFiles("python")}, err
}

// quickJS puts the files that import the packages beside them.
func quickJS(w *workshop) ([]string, error) {
	node, err := nodeItself()
	if err != nil {
		return nil, err
	}
	from := w.scriptFiles("node")
	folder, err := w.nodePackages(from)
	if err != nil {
		return nil, err
	}
	for _, file := range []string{"pipe.mjs", "quickjs.mjs"} {
		if err := copyFile(from, folder, file); err != nil {
			return nil, err
		}
	}
	return []string{node, filepath.Join(folder, "quickjs.mjs")}, nil
}
