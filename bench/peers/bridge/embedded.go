//go:build cgo && python

// The flags for the compiler and the linker come from the environment: the harness asks
// the interpreter. Only the peers with an interpreter in them have cgo; it is no part of the product.
package main

/*
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdlib.h>
#include <string.h>

static PyObject *entry;

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
	PyObject *module = PyImport_ImportModule("embedded");
	if (module) entry = PyObject_GetAttrString(module, "call");
	if (!entry) {
		PyErr_Print();
		return 3;
	}
	PyEval_SaveThread();
	return 0;
}

// call gives a text that must be freed. It is the error's when failed is set.
static char *call(const char *method, const char *params, int *failed) {
	PyGILState_STATE state = PyGILState_Ensure();
	PyObject *result = PyObject_CallFunction(entry, "ss", method, params);
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
	"errors"
	"fmt"
	"runtime"
	"unsafe"
)

type embedded struct{}

func openEmbedded(python, folder string) (invoker, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	p, f := C.CString(python), C.CString(folder)
	defer C.free(unsafe.Pointer(p))
	defer C.free(unsafe.Pointer(f))
	if code := C.start(p, f); code != 0 {
		return nil, fmt.Errorf("the interpreter did not start: %d", code)
	}
	return embedded{}, nil
}

func (embedded) call(_ context.Context, method string, params []byte) ([]byte, error) {
	m, p := C.CString(method), C.CString(string(params))
	defer C.free(unsafe.Pointer(m))
	defer C.free(unsafe.Pointer(p))
	var failed C.int
	text := C.call(m, p, &failed)
	defer C.free(unsafe.Pointer(text))
	if failed != 0 {
		return nil, errors.New(C.GoString(text))
	}
	return []byte(C.GoString(text)), nil
}

func (embedded) helpers() []int { return nil }
func (embedded) Close() error   { return nil }
