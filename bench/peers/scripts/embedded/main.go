//go:build cgo && python

// CPython in a Go process, by cgo. The flags for the compiler and the linker come from the environment: the
// harness asks the interpreter. It is no part of the product.
package main

/*
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdlib.h>
#include <string.h>

extern char *callGo(char *name, char *arguments, int *failed);

static PyObject *runner;

// call is the function of the program's that scripts call: two texts in, and a text out.
static PyObject *call(PyObject *self, PyObject *args) {
	const char *name, *arguments;
	if (!PyArg_ParseTuple(args, "ss", &name, &arguments)) return NULL;
	int failed = 0;
	char *text;
	Py_BEGIN_ALLOW_THREADS
	text = callGo((char *)name, (char *)arguments, &failed);
	Py_END_ALLOW_THREADS
	PyObject *result = NULL;
	if (failed) PyErr_SetString(PyExc_RuntimeError, text);
	else result = PyUnicode_FromString(text);
	free(text);
	return result;
}

static PyMethodDef method = {"call", call, METH_VARARGS, NULL};

// start begins the interpreter, which finds its packages by the path of its executable, and lets go
// of its lock.
static int start(const char *python, const char *folder) {
	PyConfig config;
	PyConfig_InitPythonConfig(&config);
	config.install_signal_handlers = 0;
	PyStatus status = PyConfig_SetBytesString(&config, &config.executable, python);
	if (!PyStatus_Exception(status)) status = Py_InitializeFromConfig(&config);
	PyConfig_Clear(&config);
	if (PyStatus_Exception(status)) return 1;
	PyObject *path = PySys_GetObject("path"), *item = PyUnicode_DecodeFSDefault(folder);
	if (!path || !item || PyList_Insert(path, 0, item)) return 2;
	PyObject *module = PyImport_ImportModule("embedded"), *function = PyCFunction_New(&method, NULL);
	if (module && function) runner = PyObject_CallMethod(module, "runner", "O", function);
	if (!runner) {
		PyErr_Print();
		return 3;
	}
	PyEval_SaveThread();
	return 0;
}

// run gives a text that must be freed. It is the error's when failed is set.
static char *run(const char *source, int *failed) {
	PyGILState_STATE state = PyGILState_Ensure();
	PyObject *result = PyObject_CallFunction(runner, "s", source);
	*failed = !result;
	if (!result) {
		PyObject *type, *value, *trace;
		PyErr_Fetch(&type, &value, &trace);
		result = PyObject_Str(value ? value : type);
		Py_XDECREF(type);
		Py_XDECREF(value);
		Py_XDECREF(trace);
	}
	const char *text = result ? PyUnicode_AsUTF8(result) : NULL;
	char *copy = strdup(text ? text : "?");
	Py_XDECREF(result);
	PyGILState_Release(state);
	return copy;
}
*/
import "C"

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"runtime"
	"time"
	"unsafe"

	"github.com/caisson-dev/caisson/host-go/bench/internal/scripting"
	"github.com/caisson-dev/caisson/host-go/bench/internal/wire"
)

// granted are the functions that scripts call: a process has one interpreter.
var granted *scripting.Tools

func main() {
	python := flag.String("python", "", "the interpreter")
	folder := flag.String("folder", "", "where the Python files are")
	flag.Parse()
	scripting.Main(func(_ context.Context, tools *scripting.Tools) (scripting.Engine, error) {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		granted = tools
		p, f := C.CString(*python), C.CString(*folder)
		defer C.free(unsafe.Pointer(p))
		defer C.free(unsafe.Pointer(f))
		if code := C.start(p, f); code != 0 {
			return nil, fmt.Errorf("the interpreter did not start: %d", code)
		}
		return engine{}, nil
	})
}

//export callGo
func callGo(name, arguments *C.char, failed *C.int) *C.char {
	value, err := granted.Call(context.Background(), C.GoString(name), []byte(C.GoString(arguments)))
	if err != nil {
		*failed = 1
		return C.CString(err.Error())
	}
	return C.CString(string(value))
}

type engine struct{}

func (engine) Run(_ context.Context, source wire.Source) ([]byte, time.Duration, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	s := C.CString(source.Text)
	defer C.free(unsafe.Pointer(s))
	var failed C.int
	text := C.run(s, &failed)
	defer C.free(unsafe.Pointer(text))
	if failed != 0 {
		return nil, 0, errors.New(C.GoString(text))
	}
	var ended struct {
		Value     json.RawMessage
		Computing float64
	}
	err := json.Unmarshal([]byte(C.GoString(text)), &ended)
	return ended.Value, time.Duration(ended.Computing * float64(time.Millisecond)), err
}

func (engine) Helpers() []int { return nil }

func (engine) Close() error { return nil }
