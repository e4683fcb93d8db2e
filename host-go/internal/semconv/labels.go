package semconv

import (
	"strings"
	"sync"
)

// Labels are the values that an attribute of a metric may have. Models, servers and clients choose names: only those
// that are there, and not too many of them, become values. The zero value has none. It is safe for concurrent use.
type Labels struct {
	mu    sync.Mutex
	known map[string]bool
}

const (
	// maxLabels bounds the values of one attribute, and so what a metric's reader has to keep.
	maxLabels = 1000
	// maxNameBytes bounds a name on a span and on a metric.
	maxNameBytes = 256
	// other stands for all other names, as the conventions have it for errors.
	other = "_OTHER"
)

// Label returns the value for a name. A name becomes known with something that did not fail.
func (l *Labels) Label(name string, exists bool) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.known[name]:
		return name
	case !exists || len(l.known) >= maxLabels || len(name) > maxNameBytes:
		return other
	case l.known == nil:
		l.known = map[string]bool{}
	}
	l.known[name] = true
	return name
}

// Cut bounds a name for a span.
func Cut(name string) string {
	if len(name) > maxNameBytes {
		return strings.ToValidUTF8(name[:maxNameBytes], "") + "…"
	}
	return name
}
