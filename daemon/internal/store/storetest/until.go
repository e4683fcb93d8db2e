package storetest

import (
	"context"
	"testing"
	"time"
)

// Until waits for a condition.
func Until(t testing.TB, condition func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for !condition() {
		select {
		case <-ctx.Done():
			t.Fatal("it does not come to it")
		case <-time.After(5 * time.Millisecond):
		}
	}
}
