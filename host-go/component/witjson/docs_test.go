package witjson

import (
	"strings"
	"testing"

	"github.com/caisson-dev/caisson/host-go/component"
)

// section is the documentation of a package, as wit-parser writes it.
const section = "\x01" + `{"docs":"A package.","worlds":{"calc":{"docs":"A world.","func_exports":{"hello":"Says hello."},
	"interface_exports":{"inline":{"funcs":{"f":{"docs":"Does f.","stability":{"since":"1.0.0"}}}}}}},
	"interfaces":{"ops":{"docs":"Arithmetic.","funcs":{"add":"Adds."},
	"types":{"point":{"docs":"A place.","items":{"x":"To the right."}},"color":{"items":{"red":"Like blood."}}}}}}`

// The documentation of a type and of its fields stands in the schema.
func TestDocs(t *testing.T) {
	d, err := ReadDocs([]byte(section))
	if err != nil {
		t.Fatal(err)
	}
	ops := d.Interface("ops")
	if ops == nil || ops.Functions["add"] != "Adds." {
		t.Fatal(ops)
	}
	if i := d.Interface("inline"); i == nil || i.Functions["f"] != "Does f." {
		t.Error(i)
	}
	if w := d.World("hello"); w == nil || w.Functions["hello"] != "Says hello." {
		t.Error(w)
	}
	if d.Interface("other") != nil || d.World("other") != nil {
		t.Error("there is documentation for what is not there")
	}
	point := &component.Type{Kind: component.TypeRecord, Name: "point", Fields: []component.Field{
		{Name: "x", Type: scalar(component.TypeU8)},
		{Name: "in", Type: &component.Type{Kind: component.TypeEnum, Name: "color", Labels: []string{"red", "blue"}}},
	}}
	text, err := Schema(point, ops)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"type":"object","properties":{"x":{"type":"integer","minimum":0,"maximum":255,"description":"To the right."},` +
		`"in":{"type":"string","enum":["red","blue"],"description":"- red: Like blood."}},"required":["x","in"],"additionalProperties":false,"description":"A place."}`
	if string(text) != want {
		t.Errorf("%s", text)
	}
}

func TestDocsOfOtherFormat(t *testing.T) {
	if d, err := ReadDocs(nil); err != nil || d == nil {
		t.Error(d, err)
	}
	for text, want := range map[string]string{"\x02{}": "version 2", "\x01[": "documentation", "\x01[]": "documentation"} {
		if d, err := ReadDocs([]byte(text)); err == nil || d == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %v", text, d, err)
		}
	}
}

func FuzzReadDocs(f *testing.F) {
	f.Add([]byte(section))
	f.Fuzz(func(_ *testing.T, section []byte) {
		d, _ := ReadDocs(section)
		d.Interface("ops")
		d.World("hello")
	})
}
