package types

import (
	"fmt"
	"strings"
)

// String returns the type as WIT. It spells out named types, down to a depth at which the text is no longer
// useful.
func (v *Value) String() string {
	var b strings.Builder
	v.write(&b, 0)
	return b.String()
}

// The text of a type is cut at a depth, and at a length in bytes.
const maxTextDepth, maxText = 4, 16 << 10

func (v *Value) write(b *strings.Builder, depth int) {
	if depth > maxTextDepth || b.Len() > maxText {
		b.WriteString("...")
		return
	}
	list := func(open, end string, n int, elem func(int)) {
		b.WriteString(open)
		for i := range n {
			if i > 0 {
				b.WriteString(", ")
			}
			if b.Len() > maxText {
				b.WriteString("...")
				break
			}
			elem(i)
		}
		b.WriteString(end)
	}
	field := func(f Field, open, end string) {
		b.WriteString(f.Name)
		if f.Type != nil {
			b.WriteString(open)
			f.Type.write(b, depth+1)
			b.WriteString(end)
		}
	}
	switch v.Kind {
	case Record:
		list("record { ", " }", len(v.Fields), func(i int) { field(v.Fields[i], ": ", "") })
	case Variant:
		list("variant { ", " }", len(v.Fields), func(i int) { field(v.Fields[i], "(", ")") })
	case Flags, Enum:
		list(v.Kind.String()+" { ", " }", len(v.Labels), func(i int) { b.WriteString(v.Labels[i]) })
	case Tuple:
		list("tuple<", ">", len(v.Fields), func(i int) { v.Fields[i].Type.write(b, depth+1) })
	case List, Option:
		list(v.Kind.String()+"<", ">", 1, func(int) { v.Elem.write(b, depth+1) })
	case FixedList:
		list("list<", fmt.Sprintf(", %d>", v.Length), 1, func(int) { v.Elem.write(b, depth+1) })
	case Map:
		list("map<", ">", 2, func(i int) { [...]*Value{v.Key, v.Elem}[i].write(b, depth+1) })
	case Result:
		v.writeResult(b, depth)
	case Own:
		b.WriteString(v.Resource.Name)
	case Borrow:
		b.WriteString("borrow<" + v.Resource.Name + ">")
	default:
		b.WriteString(v.Kind.String())
	}
}

func (v *Value) writeResult(b *strings.Builder, depth int) {
	switch {
	case v.OK == nil && v.Err == nil:
		b.WriteString("result")
	case v.Err == nil:
		b.WriteString("result<")
		v.OK.write(b, depth+1)
		b.WriteString(">")
	default:
		b.WriteString("result<")
		if v.OK == nil {
			b.WriteString("_")
		} else {
			v.OK.write(b, depth+1)
		}
		b.WriteString(", ")
		v.Err.write(b, depth+1)
		b.WriteString(">")
	}
}

// String returns the function type as WIT.
func (f *Func) String() string {
	var b strings.Builder
	b.WriteString("func(")
	for i, p := range f.Params {
		if i > 0 {
			b.WriteString(", ")
		}
		if b.Len() > maxText {
			b.WriteString("...")
			break
		}
		b.WriteString(p.Name + ": ")
		p.Type.write(&b, 0)
	}
	b.WriteString(")")
	if f.Result != nil {
		b.WriteString(" -> " + f.Result.String())
	}
	return b.String()
}
