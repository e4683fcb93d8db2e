package gateway

import (
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"testing"
)

// TestOutbox fills the outbox of a client that does not read: it has a bound, no changed list is lost, and what waits
// stays in order.
func TestOutbox(t *testing.T) {
	var o outbox
	begun, read, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	var got []string
	deliver := func(n notification) {
		if closed(done) {
			return
		}
		if len(got) == 0 {
			close(begun)
			<-read
		}
		got = append(got, n.method+string(n.text))
		if n.method == "last" {
			close(done)
		}
	}
	put := func(method, text string) bool { return o.put(notification{method, json.RawMessage(text)}, deliver) }
	put("first", "")
	<-begun
	for i := range 10 {
		put(toolsChanged, fmt.Sprintf(`{"_meta":{"i":%d}}`, i))
		put(resourceUpdated, `{"uri":"a"}`)
		put(resourceUpdated, `{"uri":"b"}`)
	}
	full := 0
	for i := range 10 * mostWaiting {
		if put("log", fmt.Sprint(i)) {
			full++
		}
	}
	put(promptsChanged, "")
	put(promptsChanged, "")
	if full != 1 {
		t.Errorf("it is said %d times that it is full", full)
	}
	o.mu.Lock()
	if len(o.waiting) != mostWaiting+1 || o.bytes > mostWaitingBytes {
		t.Errorf("%d notifications of %d bytes wait", len(o.waiting), o.bytes)
	}
	o.mu.Unlock()
	close(read)
	for !closed(done) { // Until there is room for it.
		put("last", "")
		runtime.Gosched()
	}
	<-done
	want := []string{"first", toolsChanged + `{"_meta":{"i":0}}`, resourceUpdated + `{"uri":"a"}`, resourceUpdated + `{"uri":"b"}`, "log0", "log1"}
	if !slices.Equal(got[:len(want)], want) {
		t.Errorf("the client gets %v", got[:len(want)])
	}
	if !slices.Contains(got, promptsChanged) {
		t.Error("a changed list is lost")
	}
}

func closed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
