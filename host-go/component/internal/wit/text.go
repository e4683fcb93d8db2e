package wit

import (
	"strings"

	"github.com/caisson-dev/caisson/host-go/component/internal/types"
)

// maxText bounds the text of a component, and maxUse the use of a type without a name, in bytes. Such a use
// can be exponential in the size of the component.
const maxText, maxUse = 16 << 20, 16 << 10

// text is a part of the output. It takes only as much as the printer may still print.
type text struct {
	strings.Builder
	p *printer
}

func (p *printer) text() *text { return &text{p: p} }

// full reports whether nothing more may be printed.
func (p *printer) full() bool { return p.left <= 0 }

// WriteString writes s, or as much of its beginning as there is room for.
func (t *text) WriteString(s string) {
	if len(s) > t.p.left {
		s = s[:max(0, t.p.left)]
		t.p.left = 0
	}
	t.p.left -= len(s)
	t.Builder.WriteString(s)
}

// Names spells types by the names that they have in a list of imports or exports.
type Names struct{ s *scope }

// Speller spells the types of one component, list by list. After maxText bytes it returns "..." for each
// type.
type Speller struct{ p printer }

// NewSpeller returns a Speller.
func NewSpeller() *Speller { return &Speller{printer{home: map[any]place{}, left: maxText}} }

// Names returns the names of a list.
func (s *Speller) Names(items []types.Named) *Names { return &Names{s.p.newScope("", "", items)} }

// Func returns a function type as WIT.
func (n *Names) Func(f *types.Func) string {
	return n.cut(func() string { return n.s.function(f, false) })
}

// Type returns a type as WIT: a value type is spelled out.
func (n *Names) Type(t types.Type) string {
	switch t := t.(type) {
	case *types.Value:
		return n.cut(t.String)
	case *types.Resource:
		return "resource"
	case *types.Func:
		return n.cut(t.String)
	}
	return ""
}

func (n *Names) cut(text func() string) string {
	if n.s.p.full() {
		return "..."
	}
	out := text()
	n.s.p.left -= len(out)
	return out
}
