package wasi

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/caisson-dev/caisson/host-go/component"
)

// maxFields bounds the names and values of one fields resource, in bytes.
const maxFields = 128 << 10

// fields are headers or trailers, in their order.
type fields struct {
	entries   []field
	size      int
	immutable bool
}

type field struct {
	name  string
	value []byte
}

// headerError is the case of a header-error.
type headerError string

func (e headerError) Error() string { return string(e) }

// forbiddenFields belong to the connection, which the host controls.
var forbiddenFields = map[string]bool{
	"connection": true, "host": true, "http2-settings": true, "keep-alive": true,
	"proxy-authenticate": true, "proxy-authorization": true, "proxy-connection": true,
	"transfer-encoding": true, "upgrade": true,
}

// freeze returns an immutable copy of the fields.
func (f *fields) freeze() *fields {
	return &fields{entries: f.entries, size: f.size, immutable: true}
}

func (f *fields) get(name string) [][]byte {
	var out [][]byte
	for _, e := range f.entries {
		if strings.EqualFold(e.name, name) {
			out = append(out, e.value)
		}
	}
	return out
}

// check returns an error when the fields may not be changed with this name and these values.
func (f *fields) check(name string, values ...[]byte) error {
	switch {
	case f.immutable:
		return headerError("immutable")
	case !isToken(name) || slices.ContainsFunc(values, func(v []byte) bool { return !isFieldValue(v) }):
		return headerError("invalid-syntax")
	case forbiddenFields[strings.ToLower(name)]:
		return headerError("forbidden")
	}
	return nil
}

func (f *fields) add(name string, values ...[]byte) error {
	if err := f.check(name, values...); err != nil {
		return err
	}
	for _, v := range values {
		if f.size += len(name) + len(v); f.size > maxFields {
			return fmt.Errorf("wasi:http/types#fields: larger than the limit of %d bytes", maxFields)
		}
		f.entries = append(f.entries, field{name, v})
	}
	return nil
}

func (f *fields) delete(name string) error {
	if err := f.check(name); err != nil {
		return err
	}
	f.entries = slices.DeleteFunc(slices.Clone(f.entries), func(e field) bool {
		if !strings.EqualFold(e.name, name) {
			return false
		}
		f.size -= len(e.name) + len(e.value)
		return true
	})
	return nil
}

// header returns the fields as a net/http header.
func (f *fields) header() http.Header {
	out := http.Header{}
	for _, e := range f.entries {
		out.Add(e.name, string(e.value))
	}
	return out
}

// fieldsOf returns received headers as fields. Names are in lower case and sorted.
func fieldsOf(h http.Header) *fields {
	f := &fields{immutable: true}
	for name, values := range h {
		for _, v := range values {
			f.entries = append(f.entries, field{strings.ToLower(name), []byte(v)})
		}
	}
	slices.SortStableFunc(f.entries, func(a, b field) int { return strings.Compare(a.name, b.name) })
	return f
}

// headerResult returns a result<T, header-error>.
func headerResult(v any, err error) (any, error) {
	if e, ok := err.(headerError); ok {
		return component.Err(component.Variant{Case: string(e)}), nil
	}
	return component.OK(v), err
}

func (h *host) addFields(i *component.Interface) *resource[*fields] {
	r := addResource[*fields](h, i, "fields", nil)
	r.constructor(func([]any) (*fields, error) { return &fields{}, nil })
	r.static("from-list", func(_ context.Context, args []any) (any, error) {
		f := &fields{}
		for _, e := range args[0].([]any) {
			pair := e.(component.Tuple)
			if err := f.add(pair[0].(string), pair[1].([]byte)); err != nil {
				return headerResult(nil, err)
			}
		}
		return headerResult(r.own(f))
	})
	r.method("get", func(_ context.Context, f *fields, args []any) (any, error) {
		values := []any{}
		for _, v := range f.get(args[0].(string)) {
			values = append(values, v)
		}
		return values, nil
	})
	r.method("has", func(_ context.Context, f *fields, args []any) (any, error) {
		return len(f.get(args[0].(string))) > 0, nil
	})
	r.method("set", func(_ context.Context, f *fields, args []any) (any, error) {
		name, values := args[0].(string), byteLists(args[1])
		err := f.check(name, values...)
		if err == nil {
			err = f.delete(name)
		}
		if err == nil {
			err = f.add(name, values...)
		}
		return headerResult(nil, err)
	})
	r.method("append", func(_ context.Context, f *fields, args []any) (any, error) {
		return headerResult(nil, f.add(args[0].(string), args[1].([]byte)))
	})
	r.method("delete", func(_ context.Context, f *fields, args []any) (any, error) {
		return headerResult(nil, f.delete(args[0].(string)))
	})
	r.method("entries", func(_ context.Context, f *fields, _ []any) (any, error) {
		out := make([]any, len(f.entries))
		for i, e := range f.entries {
			out[i] = component.Tuple{e.name, e.value}
		}
		return out, nil
	})
	r.method("clone", func(_ context.Context, f *fields, _ []any) (any, error) {
		return r.own(&fields{entries: slices.Clone(f.entries), size: f.size})
	})
	return r
}

func byteLists(v any) [][]byte {
	list := v.([]any)
	out := make([][]byte, len(list))
	for i, b := range list {
		out[i] = b.([]byte)
	}
	return out
}

// isToken reports whether s is a valid field name or method (RFC 9110, 5.6.2).
func isToken(s string) bool {
	for _, c := range []byte(s) {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
			strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0) {
			return false
		}
	}
	return s != ""
}

// isFieldValue reports whether b is a valid field value (RFC 9110, 5.5).
func isFieldValue(b []byte) bool {
	return !slices.ContainsFunc(b, func(c byte) bool { return c < ' ' && c != '\t' || c == 0x7f })
}
