package abi

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"unsafe"

	"github.com/caisson-dev/caisson/host-go/component/internal/binary"
	"github.com/caisson-dev/caisson/host-go/component/internal/trap"
	"github.com/caisson-dev/caisson/host-go/component/internal/types"
)

// noGuest is the guest's side of a call through the host's memory, without resources.
type noGuest struct{ Guest }

// resource is a guest's resource.
type resource struct{}

// signatureOf returns the signature of a function that takes a value of the type.
func signatureOf(u *types.Universe, v *types.Value) *Signature {
	cs := NewCodecs(u, func(int) ResourceType { return ResourceType{} }, GoTypeFor[*resource]())
	return cs.Signature(&types.Func{Params: []types.Field{{Name: "x", Type: v}}})
}

// testTransfer returns a Transfer through the host's memory.
func testTransfer(encoding binary.Encoding, left uint64) *Transfer {
	t := &Transfer{Guest: noGuest{}, Allowance: &Allowance{Left: &left}}
	t.Begin(&Options{Host: true, Encoding: encoding}, &Table{Budget: &budget{}})
	return t
}

// caught runs f, and returns what it traps or panics with as an error.
func caught(f func()) (err error) {
	defer func() {
		switch x := recover().(type) {
		case nil:
		case *trap.Trap:
			err = x.Err
		case *ValueError:
			err = errors.New(x.Type + ": " + x.Msg)
		default:
			panic(x)
		}
	}()
	f()
	return nil
}

// through lowers a WIT value as the parameter of a function, and lifts it again.
func through(s *Signature, t *Transfer, v any) (out any, err error) {
	given, got := []any{v}, []any(nil)
	err = caught(func() {
		stack := make([]uint64, s.Stack())
		s.Dynamic.LowerParams(t, stack, unsafe.Pointer(&given))
		s.Dynamic.LiftParams(t, stack, unsafe.Pointer(&got))
		out = got[0]
	})
	return out, err
}

// Strings pass unchanged in each encoding, in both directions.
func TestStrings(t *testing.T) {
	u := types.NewUniverse()
	s := signatureOf(u, u.Prim(types.String))
	for _, encoding := range []binary.Encoding{binary.UTF8, binary.UTF16, binary.Latin1UTF16} {
		for _, want := range []string{"", "a", "grün", "ÿ", "Ā", "latin, then €", "𝄞", strings.Repeat("é€𝄞", 1000)} {
			if got, err := through(s, testTransfer(encoding, 0), want); got != want || err != nil {
				t.Errorf("encoding %d: %.20q is %.20q, %v", encoding, want, got, err)
			}
		}
		if _, err := through(s, testTransfer(encoding, 0), "\xff"); err == nil || !strings.Contains(err.Error(), "not valid UTF-8") {
			t.Errorf("encoding %d: %v", encoding, err)
		}
	}
}

// A list of few bytes in the guest that takes many bytes in the host is not lifted.
func TestAllowance(t *testing.T) {
	u := types.NewUniverse()
	s := signatureOf(u, u.Intern(types.Value{Kind: types.List, Elem: u.Prim(types.Bool)}))
	list := make([]any, slack/elementSize)
	for i := range list {
		list[i] = true
	}
	transfer := testTransfer(binary.UTF8, 0)
	if _, err := through(s, transfer, list); !errors.As(err, new(*ExcessError)) {
		t.Error(err)
	}
	transfer.End()
	if held := transfer.Allowance.Held; held != 0 {
		t.Errorf("%d bytes are held after the call", held)
	}
	if got, err := through(s, testTransfer(binary.UTF8, slack), list); !reflect.DeepEqual(got, list) {
		t.Error(err)
	}
}

// budget adds up the charges.
type budget struct{ charged uint64 }

func (b *budget) Charge(n uint64, _ string) { b.charged += n }

// CanonicalABI.md, "Table State" and "Resource State".
func TestTable(t *testing.T) {
	b := &budget{}
	table := &Table{Budget: b}
	one, two := table.New(1, 10), table.New(2, 20)
	if one != 1 || two != 2 || b.charged != 2*HandleCost {
		t.Errorf("handles %d and %d, %d bytes", one, two, b.charged)
	}
	if rep := table.Rep(2, two); rep != 20 {
		t.Error(rep)
	}
	for what, f := range map[string]func(){
		"of another type": func() { table.Rep(1, two) },
		"zero":            func() { table.Rep(1, 0) },
		"unknown":         func() { table.Drop(1, 3) },
		"lent out":        func() { table.get(one).lends++; defer func() { table.get(one).lends-- }(); table.Drop(1, one) },
	} {
		if caught(f) == nil {
			t.Errorf("a handle %s is no trap", what)
		}
	}
	if rep, own := table.Drop(1, one); rep != 10 || !own {
		t.Error(rep, own)
	}
	if again := table.New(1, 11); again != one || b.charged != 2*HandleCost {
		t.Errorf("index %d, %d bytes", again, b.charged)
	}
	scope := &task{borrows: 1}
	borrow := table.add(&handle{typ: 1, scope: scope})
	if _, own := table.Drop(1, borrow); own || scope.borrows != 0 {
		t.Error(own, scope.borrows)
	}
	left := map[int]uint32{}
	table.Clear(func(typ int, rep uint32) { left[typ] = rep })
	if !reflect.DeepEqual(left, map[int]uint32{1: 11, 2: 20}) || caught(func() { table.Rep(2, two) }) == nil {
		t.Error(left)
	}
}

// Go types are spelled as a program has them.
func TestGoName(t *testing.T) {
	for want, of := range map[string]reflect.Type{
		"func(component.Variant, []component.Record) component.Rep": reflect.TypeFor[func(Variant, []Record) Rep](),
		"uint32": reflect.TypeFor[uint32](),
		"<nil>":  nil,
	} {
		if got := GoName(of); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}
