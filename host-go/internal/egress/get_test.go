package egress

import (
	"net/url"
	"strings"
)

// getOnce does one exchange, and returns its status and body or its error as text.
func getOnce(target string) string {
	u, err := url.Parse(target)
	check(err)
	sink := newRecorder()
	s := NewBroker(Grant{URL: u}, sink, Options{})
	defer s.Close()
	check(s.HTTPStart(ref(1), get(target), Sending{Asked: true}))
	for {
		sink.mu.Lock()
		signal := sink.signal
		sink.mu.Unlock()
		for _, e := range sink.of(ref(1)) {
			if e.kind != "end" {
				continue
			}
			if e.err != nil {
				return strings.ReplaceAll(e.err.Kind.String()+": "+e.err.Error(), "\n", " ")
			}
			return string(bodyOf(sink.of(ref(1))))
		}
		<-signal
	}
}
