package component_test

import (
	"context"
	"errors"
	"strconv"
	"testing"

	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/component/internal/build"
)

// manyTypes imports n functions of as many types. Their codecs are most of the work that they cause.
func manyTypes(n int) []byte {
	types := build.Times(n, func(i int) build.Bytes {
		params := build.Times(40, func(k int) build.Bytes { return build.Param("p"+strconv.Itoa(i)+"-"+strconv.Itoa(k), 0x79) })
		return build.ComponentFunc(nil, params...)
	})
	imports := build.Times(n, func(i int) build.Bytes {
		return build.ComponentImport("f"+strconv.Itoa(i), build.Cat(build.Bytes{1}, build.U32(i))...)
	})
	return build.Component(build.TypeDefs(types...), build.ComponentImports(imports...))
}

// countdown is a context that ends when it has been asked so often.
type countdown struct {
	context.Context
	left int
}

func (c *countdown) Err() error {
	if c.left--; c.left < 0 {
		return context.DeadlineExceeded
	}
	return nil
}

// TestCompileEnds ends a compilation at each of its steps: it gives the context's error.
func TestCompileEnds(t *testing.T) {
	r, err := component.NewRuntime(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close(context.Background()) })
	b := manyTypes(500)
	for n := 0; ; n++ {
		c, err := r.Compile(&countdown{context.Background(), n}, b)
		if err == nil {
			if n < 40 {
				t.Errorf("the compilation asks its context %d times", n)
			}
			if err := c.Close(context.Background()); err != nil {
				t.Error(err)
			}
			return
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("when it ends at the question %d: %v", n, err)
		}
	}
}
