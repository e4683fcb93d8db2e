package wasi

import (
	"context"
	"errors"
	"testing"

	"github.com/caisson-dev/caisson/host-go/component"
)

// A component that imports every interface, in the first and the last version, can be instantiated when
// nothing is granted.
func TestEveryInterface(t *testing.T) {
	for _, version := range []string{"0.2.0", "0.2.12"} {
		c := guest(t, "interfaces/"+version)
		if n := len(c.Imports()); n < 29 {
			t.Errorf("%s imports %d interfaces", version, n)
		}
		l := component.NewLinker()
		AddToLinker(l, nil)
		in, err := c.Instantiate(context.Background(), l)
		if err != nil {
			t.Fatalf("%s: %v", version, err)
		}
		if err := in.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}
}

func TestUnstable(t *testing.T) {
	l := component.NewLinker()
	AddToLinker(l, nil)
	in, err := guest(t, "unstable").Instantiate(context.Background(), l)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close(context.Background())
	display := call(t, in, "display").(component.Tuple)
	if display[0] != int32(0) || display[1] != "UTC" || display[2] != false {
		t.Error(display)
	}
	if got := call(t, in, "offset"); got != int32(0) {
		t.Error(got)
	}
	_, err = in.ExportedFunction("exit").Call(context.Background(), uint8(200))
	if exit := (*ExitError)(nil); !errors.As(err, &exit) || exit.Code != 200 {
		t.Error(err)
	}
}

// A component that confuses two resource types is not linked.
func TestMixed(t *testing.T) {
	l := component.NewLinker()
	AddToLinker(l, nil)
	_, err := guest(t, "mixed").Instantiate(context.Background(), l)
	if link := (*component.LinkError)(nil); !errors.As(err, &link) || link.Import != "wasi:io/streams@0.2.0#output-stream" {
		t.Error(err)
	}
}

// A component that declares other types than the interfaces have traps.
func TestMistyped(t *testing.T) {
	for _, name := range []string{"argument", "result", "resource", "count"} {
		l := component.NewLinker()
		AddToLinker(l, nil)
		in, err := guest(t, "mistyped").Instantiate(context.Background(), l)
		if err != nil {
			t.Fatal(err)
		}
		_, err = in.ExportedFunction(name).Call(context.Background())
		if trap := (*component.TrapError)(nil); !errors.As(err, &trap) {
			t.Errorf("%s: %v", name, err)
		}
		if err := in.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}
}
