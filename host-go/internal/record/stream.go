package record

import (
	"bytes"

	"github.com/caisson-dev/caisson/host-go/component"
)

// These are the crossings that carry bodies, and those that end a body.
const (
	deliver   = "caisson:mcp/ingress@0.1.0#deliver"
	httpAbort = "caisson:mcp/egress@0.1.0#http-abort"
)

// A waiting is an item that waits to be written. It waits for items before it, or because the end of a chunk
// in it may be the beginning of a secret.
type waiting struct {
	item
	size int
	open int // how many of its chunks have an end that is not decided yet
}

// A part is a chunk of a body. The end of the chunk may be the beginning of a secret.
type part struct {
	text, hidden []byte // the original text, and the text to write
	of           *waiting
}

// streams redacts bodies. A body comes in chunks, and a chunk may end inside a secret. Such a chunk waits for
// the next chunk of the same exchange.
type streams struct {
	redactor *redactor
	open     map[uint32][]part
}

// take redacts the bodies in an item.
func (s *streams) take(w *waiting) {
	switch {
	case w.kind == Import && w.name == httpAbort:
		s.cut(w.values[0].(uint32))
	case w.kind == Call && w.name == deliver:
		events := w.values[0].([]any)
		for i := range events {
			event := events[i].(component.Variant)
			switch event.Case {
			case "http-body":
				record := event.Value.(component.Record)
				hidden := s.chunk(record[0].(uint32), record[1].([]byte), w)
				events[i] = component.Variant{Case: event.Case, Value: component.Record{record[0], hidden}}
			case "http-end":
				s.end(event.Value.(component.Record)[0].(uint32))
			}
		}
	}
}

// chunk returns the next part of a body, in the form that will be written.
func (s *streams) chunk(exchange uint32, text []byte, of *waiting) []byte {
	hidden := bytes.Clone(text)
	parts := append(s.open[exchange], part{text, hidden, of})
	of.open++
	var whole []byte
	for _, p := range parts {
		whole = append(whole, p.text...)
	}
	s.redactor.learn(whole)
	i := 0
	for result := s.redactor.hide(whole); i < len(whole); {
		for _, p := range parts {
			for j := range p.text {
				if result[i] != whole[i] {
					p.hidden[j] = result[i]
				}
				i++
			}
		}
	}
	// The text before the tail is decided.
	known := len(whole) - s.redactor.tail(whole)
	for len(parts) > 0 && known >= len(parts[0].text) {
		known -= len(parts[0].text)
		parts[0].of.open--
		parts = parts[1:]
	}
	s.set(exchange, parts)
	return hidden
}

// end ends a body. The tail that waited was no secret.
func (s *streams) end(exchange uint32) {
	for _, p := range s.open[exchange] {
		p.of.open--
	}
	s.set(exchange, nil)
}

// cut ends a body that is not complete. It also hides a tail that may be most of a secret: the core has not
// seen the end of the message with the tail.
func (s *streams) cut(exchange uint32) {
	parts := s.open[exchange]
	var whole []byte
	for _, p := range parts {
		whole = append(whole, p.text...)
	}
	n := s.redactor.tail(whole)
	for k := len(parts) - 1; k >= 0 && n >= shortest/2; k-- {
		p := parts[k]
		from := max(0, len(p.text)-n)
		copy(p.hidden[from:], mask(string(p.text[from:])))
		n -= len(p.text) - from
	}
	s.end(exchange)
}

// cutAll ends all bodies.
func (s *streams) cutAll() {
	for exchange := range s.open {
		s.cut(exchange)
	}
}

func (s *streams) set(exchange uint32, parts []part) {
	if len(parts) == 0 {
		delete(s.open, exchange)
		return
	}
	s.open[exchange] = parts
}
