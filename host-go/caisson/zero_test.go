package caisson_test

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// TestZeroValues calls every method of the types that a program gets from this package on their zero
// value: each fails, or gives nothing, and none panics or waits.
func TestZeroValues(t *testing.T) {
	t.Parallel()
	failed := reflect.TypeFor[error]()
	for _, zero := range []any{
		&caisson.Runtime{}, &caisson.Client{}, &caisson.Session{}, &caisson.Group{}, &caisson.Task{},
		&caisson.Subscription{},
		caisson.ServerMap{},
		&caisson.Error{}, &caisson.ToolError{}, &caisson.Server{},
	} {
		value := reflect.ValueOf(zero)
		for i := range value.NumMethod() {
			name := value.Type().String() + "." + value.Type().Method(i).Name
			t.Run(name, func(t *testing.T) {
				method := value.Method(i)
				var args []reflect.Value
				for j := range method.Type().NumIn() {
					of := method.Type().In(j)
					if of == reflect.TypeFor[context.Context]() {
						args = append(args, reflect.ValueOf(testContext(t)))
					} else if !method.Type().IsVariadic() || j < method.Type().NumIn()-1 {
						args = append(args, reflect.Zero(of))
					}
				}
				results := method.Call(args)
				for _, result := range results {
					if result.Type() == failed && method.Type().NumOut() > 1 && result.IsNil() {
						t.Errorf("it gives %v", results)
					}
					if result.Kind() == reflect.Func && result.Type().CanSeq2() {
						for _, err := range result.Seq2() {
							if err.IsNil() {
								t.Error("it iterates over something")
							}
						}
					}
				}
			})
		}
	}
	if _, err := (&caisson.Session{}).CallTool(testContext(t), &mcp.CallToolParams{Arguments: 5}); !errors.Is(err, caisson.CodeInvalidArgument) {
		t.Errorf("arguments that are none give %v", err)
	}
}
