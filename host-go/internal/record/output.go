package record

import (
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"slices"

	"github.com/caisson-dev/caisson/host-go/component"
)

// An item is an entry before it is redacted and encoded.
type item struct {
	kind, name      string
	values, results []any
	err             string
	number          int64
	bytes           []byte
}

// itemSize is about the cost of an item in addition to its content, in bytes.
const itemSize = 128

func (it *item) size() int {
	return itemSize + len(it.err) + len(it.bytes) + sizeOf(it.values) + sizeOf(it.results)
}

func sizeOf(value any) int {
	n := 16
	each := func(values []any) {
		for _, v := range values {
			n += sizeOf(v)
		}
	}
	switch v := value.(type) {
	case string:
		n += len(v)
	case []byte:
		n += len(v)
	case component.Record:
		each(v)
	case component.Tuple:
		each(v)
	case []any:
		each(v)
	case component.Variant:
		n += sizeOf(v.Value)
	case component.Option:
		n += sizeOf(v.Value)
	case component.Result:
		n += sizeOf(v.Value)
	}
	return n
}

// The functions below run on the Writer's goroutine.

// write redacts an item, and writes the items that are decided to the end.
func (w *Writer) write(it item) {
	next := &waiting{item: it, size: it.size()}
	if w.over {
		w.forget(next)
		return
	}
	w.redact.learnEach(it.values)
	w.redact.learnEach(it.results)
	next.values, next.results = w.redact.hideEach(it.values), w.redact.hideEach(it.results)
	next.err = string(w.redact.hide([]byte(it.err)))
	w.streams.take(next)
	w.held = append(w.held, next)
	w.release()
}

// release writes the items that no longer have to wait.
func (w *Writer) release() {
	n := 0
	for ; n < len(w.held) && w.held[n].open == 0; n++ {
		w.entry(&w.held[n].item)
		w.forget(w.held[n])
	}
	w.held = slices.Delete(w.held, 0, n)
}

// forget frees the room of an item.
func (w *Writer) forget(it *waiting) {
	w.mu.Lock()
	w.bytes -= it.size
	w.mu.Unlock()
}

func (w *Writer) entry(it *item) {
	if w.over {
		return
	}
	if it.kind == Now || it.kind == Monotonic {
		w.reading(it)
		return
	}
	w.endReadings()
	e := Entry{Kind: it.kind, Name: it.name, Error: it.err, Bytes: it.bytes}
	var err, err2 error
	e.Values, err = EncodeAll(it.values)
	e.Results, err2 = EncodeAll(it.results)
	if it.kind == Result {
		e.Hidden = w.redact.hidden
	}
	if err := errors.Join(err, err2); err != nil {
		w.lose(err)
		return
	}
	w.line(e)
}

// maxReadings bounds the readings of one line.
const maxReadings = 1024

// reading adds a reading to those that will share a line: a core reads the clock often.
func (w *Writer) reading(it *item) {
	if w.readings.Kind != it.kind || len(w.readings.Numbers) == maxReadings {
		w.endReadings()
	}
	w.readings.Kind = it.kind
	w.readings.Numbers = append(w.readings.Numbers, it.number)
}

func (w *Writer) endReadings() {
	if len(w.readings.Numbers) > 0 {
		w.line(w.readings)
	}
	w.readings = Entry{}
}

// line writes one line, if there is room for it.
func (w *Writer) line(v any) {
	if w.over {
		return
	}
	text, err := marshal(v)
	if err != nil {
		w.lose(err)
		return
	}
	text = append(text, '\n')
	if w.written+int64(len(text)) > w.options.Limit-endRoom {
		w.finish(Limit)
		return
	}
	w.written += int64(len(text))
	w.sum.Write(text)
	if _, err := w.buffer.Write(text); err != nil {
		w.lose(err)
	}
}

// finish writes the end and closes the file.
func (w *Writer) finish(reason string) {
	if w.over {
		return
	}
	if reason == Closed {
		w.streams.cutAll()
		w.release()
		w.endReadings()
		if w.over {
			return
		}
	}
	w.over = true
	text, err := endLine(reason, w.sum)
	if err == nil {
		_, err = w.buffer.Write(text)
	}
	if err := errors.Join(err, w.buffer.Flush(), w.to.Close()); err != nil {
		w.fail(err)
	} else if reason == Limit {
		w.fail(fmt.Errorf("it was cut: it is longer than %d bytes, or its writer is too slow", w.options.Limit))
	}
}

// endLine returns the last line. The checksum covers the reason too.
func endLine(reason string, sum hash.Hash) ([]byte, error) {
	_, _ = sum.Write([]byte(reason)) // A hash never fails.
	text, err := marshal(Entry{Kind: End, Reason: reason, SHA256: hex.EncodeToString(sum.Sum(nil))})
	return append(text, '\n'), err
}

// lose ends the recording without an end entry.
func (w *Writer) lose(err error) {
	if w.over {
		return
	}
	w.over = true
	w.fail(errors.Join(err, w.to.Close()))
}
