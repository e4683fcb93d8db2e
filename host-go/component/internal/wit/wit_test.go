package wit

import (
	"testing"

	"github.com/caisson-dev/caisson/host-go/component/internal/binary"
	"github.com/caisson-dev/caisson/host-go/component/internal/types"
)

func named(name string, e types.Extern) types.Named {
	return types.Named{Name: binary.Name{Text: name}, Extern: e}
}

func function(result *types.Value, params ...types.Field) types.Extern {
	return types.Extern{Sort: binary.SortFunc, Func: &types.Func{Params: params, Result: result}}
}

func typ(t types.Type) types.Extern { return types.Extern{Sort: binary.SortType, Type: t} }

func instance(exports ...types.Named) types.Extern {
	return types.Extern{Sort: binary.SortInstance, Instance: &types.Instance{Exports: exports}}
}

// A type is defined in its own interface, used from there by name, and renamed when it has another name.
// Words of WIT are escaped.
func TestPrint(t *testing.T) {
	u := types.NewUniverse()
	u32 := u.Prim(types.U32)
	point := u.Intern(types.Value{Kind: types.Record, Nominal: 1, Origin: 1, Fields: []types.Field{{Name: "x", Type: u32}, {Name: "list", Type: u32}}})
	file := &types.Resource{Name: "file"}
	own := u.Intern(types.Value{Kind: types.Own, Resource: file})
	borrow := u.Intern(types.Value{Kind: types.Borrow, Resource: file})
	self := types.Field{Name: "self", Type: borrow}
	c := &types.Component{
		Imports: []types.Named{
			named("t:a/geometry@1.0.0", instance(
				named("point", typ(point)),
				named("file", typ(file)),
				named("[constructor]file", function(own, types.Field{Name: "name", Type: u.Prim(types.String)})),
				named("[method]file.size", function(u32, self)),
				named("[static]file.open", function(own)),
			)),
			named("t:a/shapes@1.0.0", instance(
				named("corner", typ(point)),
				named("mark", function(nil, types.Field{Name: "at", Type: point})),
			)),
			named("t:b/other", instance(
				named("point", typ(point)),
				named("same", typ(point)),
			)),
		},
		Exports: []types.Named{
			named("import", function(u.Intern(types.Value{Kind: types.Option, Elem: point}))),
			named("close", function(nil, types.Field{Name: "f", Type: own})),
		},
	}
	const want = `package root:component;

world root {
  use t:a/geometry@1.0.0.{point};
  use t:a/geometry@1.0.0.{file};
  import t:a/geometry@1.0.0;
  import t:a/shapes@1.0.0;
  import t:b/other;
  export %import: func() -> option<point>;
  export close: func(f: file);
}

package t:a@1.0.0 {
  interface geometry {
    record point {
      x: u32,
      %list: u32,
    }
    resource file {
      constructor(name: string);
      size: func() -> u32;
      open: static func() -> file;
    }
  }
  interface shapes {
    use geometry.{point as corner};
    mark: func(at: corner);
  }
}

package t:b {
  interface other {
    use t:a/geometry@1.0.0.{point};
    type same = point;
  }
}
`
	if got := Print(c); got != want {
		t.Errorf("got\n%s\nnot\n%s", got, want)
	}
}

// A single function is spelled with the names of its interface.
func TestFunc(t *testing.T) {
	u := types.NewUniverse()
	color := u.Intern(types.Value{Kind: types.Enum, Nominal: 1, Origin: 1, Labels: []string{"red", "green"}})
	f := &types.Func{Params: []types.Field{{Name: "type", Type: u.Intern(types.Value{Kind: types.List, Elem: color})}}}
	if got := NewSpeller().Names([]types.Named{named("color", typ(color))}).Func(f); got != "func(%type: list<color>)" {
		t.Error(got)
	}
	if got := NewSpeller().Names(nil).Func(f); got != "func(%type: list<enum { red, green }>)" {
		t.Error(got)
	}
}
