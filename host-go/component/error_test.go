package component

import (
	"context"
	"errors"
	"strconv"
	"testing"

	"github.com/caisson-dev/caisson/host-go/component/internal/build"
	"github.com/caisson-dev/caisson/host-go/component/internal/link"
)

// Long names of imports do not make an error long.
func TestLinkErrorOfLongNames(t *testing.T) {
	c, err := testRuntime(t, nil).Compile(context.Background(), longImport())
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Instantiate(context.Background(), nil)
	if link := (*LinkError)(nil); !errors.As(err, &link) || len(err.Error()) > 4<<10 {
		t.Errorf("%T of %d bytes", err, len(err.Error()))
	}
}

// The cause of a failed Compile has the same bound as its text.
func TestDecodeErrorOfLongNames(t *testing.T) {
	// The core runtime names an invalid function by its exports.
	b := one(build.Module(build.Types(build.FuncType(nil, nil)), build.Functions(build.U32(0)),
		build.Exports(build.Export(manyNs, build.Func, 0)), build.Code(build.Body(0, build.Bytes{0x1a}))))
	_, err := testRuntime(t, nil).Compile(context.Background(), b)
	decode := (*DecodeError)(nil)
	if !errors.As(err, &decode) || decode.Err == nil || longest(err) > 2<<10 {
		t.Errorf("%.200v: %d bytes", err, longest(err))
	}
}

func TestValueErrorOfLongNames(t *testing.T) {
	core := build.Module(build.Types(build.FuncType([]byte{build.I32, build.I32}, nil)), build.Functions(build.U32(0)),
		build.Exports(build.Export("f", build.Func, 0)), build.Code(build.Body(0)))
	params := build.Times(2, func(i int) build.Bytes { return build.Param(manyNs+strconv.Itoa(i), 0x79) })
	b := build.Component(build.CoreModule(core), build.CoreInstances(build.CoreInstance(0)), build.Aliases(build.AliasCore(build.Func, 0, "f")),
		build.TypeDefs(build.ComponentFunc(nil, params...)), build.Canons(build.Lift(0, 0)), build.ComponentExports(build.ComponentExport("f", build.SortFunc, 0)))
	c, err := testRuntime(t, nil).Compile(context.Background(), b)
	if err != nil {
		t.Fatal(err)
	}
	in, err := c.Instantiate(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	f := in.ExportedFunction("f")
	_, bind := Bind[struct{ A, B uint32 }, struct{}](f)
	_, call := f.Call(context.Background(), uint32(1))
	for step, err := range map[string]error{"bind": bind, "call": call} {
		if value := (*ValueError)(nil); !errors.As(err, &value) || len(err.Error()) > 4<<10 {
			t.Errorf("%s: %T of %d bytes", step, err, len(err.Error()))
		}
	}
}

func TestResourceOfLongName(t *testing.T) {
	r := &Resource{in: &Instance{c: &Compiled{program: &link.Program{Resources: []link.Resource{{Name: manyNs}}}}}}
	if n := len(r.String()); n < 500 || n > 2<<10 {
		t.Errorf("%d bytes", n)
	}
}
