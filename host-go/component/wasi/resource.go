package wasi

import (
	"context"
	"errors"
	"fmt"

	"github.com/caisson-dev/caisson/host-go/component"
)

// resource is one resource type of an interface: its values, by representation.
type resource[T any] struct {
	name  string
	iface *component.Interface
	table *table
	drop  func(T)
}

// addResource defines a resource type. When the component drops a value, drop is called, if it is not nil.
func addResource[T any](h *host, i *component.Interface, name string, drop func(T)) *resource[T] {
	if drop == nil {
		drop = func(T) {}
	}
	r := &resource[T]{name: name, iface: i, table: h.table, drop: drop}
	i.Resource(name, func(_ context.Context, rep uint32) {
		if v, ok := r.table.remove(r, rep); ok {
			r.drop(v.(T))
		}
	})
	return r
}

var errFull = errors.New("too many open resources")

// own returns an own handle of v for the component. When there are too many, it drops v.
func (r *resource[T]) own(v T) (component.Rep, error) {
	rep, ok := r.table.add(r, v)
	if !ok {
		r.drop(v)
		return 0, errFull
	}
	return component.Rep(rep), nil
}

// get returns the value of a handle that the component has lent.
func (r *resource[T]) get(v any) (T, error) {
	rep, _ := v.(component.Rep)
	found, ok := r.table.get(r, uint32(rep))
	if !ok {
		var none T
		return none, fmt.Errorf("unknown %s", r.name)
	}
	return found.(T), nil
}

// take returns the value of a handle that the component has given away.
func (r *resource[T]) take(v any) (T, error) {
	t, err := r.get(v)
	if err == nil {
		r.table.remove(r, uint32(v.(component.Rep)))
	}
	return t, err
}

// method defines a method. args are the arguments after self. f returns the result; an error traps.
func (r *resource[T]) method(name string, f func(ctx context.Context, self T, args []any) (any, error)) {
	r.iface.Func("[method]"+r.name+"."+name, func(ctx context.Context, args []any) ([]any, error) {
		self, err := r.get(args[0])
		if err != nil {
			return nil, err
		}
		return one(f(ctx, self, args[1:]))
	})
}

// constructor defines the constructor.
func (r *resource[T]) constructor(f func(args []any) (T, error)) {
	r.iface.Func("[constructor]"+r.name, func(_ context.Context, args []any) ([]any, error) {
		v, err := f(args)
		if err != nil {
			return nil, err
		}
		return one(r.own(v))
	})
}

// static defines a static function.
func (r *resource[T]) static(name string, f func(ctx context.Context, args []any) (any, error)) {
	r.iface.Func("[static]"+r.name+"."+name, func(ctx context.Context, args []any) ([]any, error) {
		return one(f(ctx, args))
	})
}

// one returns the results of a function with one result.
func one[T any](v T, err error) ([]any, error) {
	if err != nil {
		return nil, err
	}
	return []any{v}, nil
}

// some returns the option of v. The zero value becomes none.
func some[T comparable](v T) component.Option {
	var zero T
	if v == zero {
		return component.None()
	}
	return component.Some(v)
}
