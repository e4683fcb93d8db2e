package component

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The type of an export says everything that its text as WIT says.
func TestFuncTypes(t *testing.T) {
	c, err := testRuntime(t, &Config{Interpreter: true}).Compile(context.Background(), testFile(t, "echo.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]*Type{}
	for _, e := range c.Exports() {
		if (e.Func != nil) != (e.Kind == KindFunc) {
			t.Errorf("%s, a %s, has the type %v", e.Name, e.Kind, e.Func)
		}
		if e.Func != nil && len(e.Func.Params) == 1 {
			types[e.Name] = e.Func.Params[0].Type
			if e.Func.Result != e.Func.Params[0].Type {
				t.Errorf("%s: the result is not the one Type of the parameter", e.Name)
			}
		}
	}
	number := func(kind TypeKind) *Type { return &Type{Kind: kind} }
	for name, want := range map[string]*Type{
		"echo-s64":   number(TypeS64),
		"echo-bytes": {Kind: TypeList, Elem: number(TypeU8)},
		"echo-fixed": {Kind: TypeList, Elem: number(TypeU16), Length: 3},
		"echo-map":   {Kind: TypeMap, Key: number(TypeString), Elem: number(TypeU32)},
		"echo-res":   {Kind: TypeResult, OK: number(TypeU32), Err: number(TypeString)},
		"echo-tuple": {Kind: TypeTuple, Fields: []Field{{Type: number(TypeU8)}, {Type: number(TypeS64)}, {Type: number(TypeString)}}},
		"echo-color": {Kind: TypeEnum, Name: "color", Labels: []string{"red", "green", "blue"}},
	} {
		if diff := cmp.Diff(want, types[name]); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}

// The handle of a resource has the resource's name.
func TestHandleType(t *testing.T) {
	c, err := testRuntime(t, &Config{Interpreter: true}).Compile(context.Background(), testFile(t, "resources.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	size := c.Imports()[0].Items[2]
	if diff := cmp.Diff([]Field{{"self", &Type{Kind: TypeBorrow, Name: "file"}}}, size.Func.Params); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
