package engine

import "testing"

// TestCallAfterTheEnd makes a call when a session is over, and its core still runs: the call does not reach the core,
// which may have forgotten the session, and would say that there never was one.
func TestCallAfterTheEnd(t *testing.T) {
	s := open(t, testEngine(t, Config{CacheDir: warmCache(t)}))
	if _, f := s.Call(testContext(t), Operation{Export: ping, Method: "ping"}); f != nil {
		t.Fatal(f)
	}
	s.end(nil)
	if _, f := s.Call(testContext(t), Operation{Export: ping, Method: "ping"}); f == nil || f.Kind != Closed {
		t.Errorf("a call after the end gives %v", f)
	}
	s.Close()
}
