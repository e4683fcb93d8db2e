package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caisson-dev/caisson/host-go/component"
)

type buffer struct {
	bytes.Buffer
	closed bool
}

func (b *buffer) Close() error {
	b.closed = true
	return nil
}

// write makes a recording, and returns the reason that Failed got.
func write(t *testing.T, to io.WriteCloser, options Options, fill func(*Writer)) error {
	t.Helper()
	var failure error
	if options.Limit == 0 {
		options.Limit = 1 << 20
	}
	options.Failed = func(err error) { failure = errors.Join(failure, err) }
	w := NewWriter(to, Header{Core: "c", Server: "s", Began: time.Unix(0, 0).UTC(), MemoryBytes: 1}, options)
	fill(w)
	w.Close()
	return failure
}

// read returns all entries.
func read(t *testing.T, text []byte) ([]*Entry, error) {
	t.Helper()
	r, err := NewReader(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	var all []*Entry
	for {
		e, err := r.Next()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
}

func body(exchange uint32, chunk string) component.Variant {
	return component.Variant{Case: "http-body", Value: component.Record{exchange, []byte(chunk)}}
}

func ended(exchange uint32) component.Variant {
	return component.Variant{Case: "http-end", Value: component.Record{exchange, component.None()}}
}

func TestValues(t *testing.T) {
	values := []any{
		"a \"text\" <ü>", true, uint32(1<<32 - 1), uint8(1), uint16(2), uint64(1<<64 - 1), int32(-3), []byte("chunk"),
		[]byte{0xff, 0},
		[]byte{},
		component.Enum("warn"),
		component.Record{"a", uint32(1)},
		component.Tuple{"a", "b"},
		component.Record{},
		component.Variant{Case: "stdio"},
		component.Variant{Case: "answer", Value: component.Record{uint32(1), component.OK("{}")}},
		component.Variant{Case: "x", Value: component.None()},
		component.None(), component.Some("x"), component.Some(component.None()), component.Err(component.Record{int32(1)}),
		[]any{"x", []any{}},
	}
	for _, value := range values {
		text, err := Encode(value)
		if err != nil {
			t.Fatal(err)
		}
		back, err := Decode(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if diff := cmp.Diff(value, back); diff != "" {
			t.Errorf("%s (-encoded +decoded):\n%s", text, diff)
		}
	}
	if _, err := Encode(3.5); err == nil {
		t.Error("a float is encoded")
	}
	for _, text := range []string{"", " ", "{}", `{"some":}`, "-1", "1.5", "x", `{"u16":70000}`, strings.Repeat("[", 100) + strings.Repeat("]", 100)} {
		if v, err := Decode(json.RawMessage(text)); err == nil {
			t.Errorf("%s is %v", text, v)
		}
	}
}

// TestSplitSecrets shows that a secret is hidden wherever the chunks of a body split it. Everything else is
// written unchanged and in order.
func TestSplitSecrets(t *testing.T) {
	t.Run("known", func(t *testing.T) {
		splitSecrets(t, []string{"Bearer s3cr3t-s3cr3t-token"}, `data: {"a":"s3cr3t-s3cr3t-s3cr3t-token","b":"s3cr3t-s3cr3t-"}`)
	})
	t.Run("learned", func(t *testing.T) {
		splitSecrets(t, nil, `data: {"access_token": "s3cr3t-s3cr3t-token"}`)
	})
	t.Run("learned within a text", func(t *testing.T) {
		splitSecrets(t, nil, `data: {"text":"{\"Password\":\"s3cr3t-s3cr3t-token\"}"}`)
	})
}

func splitSecrets(t *testing.T, secrets []string, text string) {
	t.Helper()
	const secret = "s3cr3t-s3cr3t-token"
	for first := range len(text) {
		for second := first; second < len(text); second += 7 {
			to := &buffer{}
			err := write(t, to, Options{Secrets: append(secrets, "cut-s3cr3t-token")}, func(w *Writer) {
				w.Call(deliver, []any{[]any{body(1, text[:first]), body(2, "cut-s3c")}})
				w.Reading(Now, 7)
				w.Call(deliver, []any{[]any{body(1, text[first:second])}})
				w.Call(deliver, []any{[]any{body(1, text[second:]), ended(1)}})
				w.Import(httpAbort, []any{uint32(2)}, nil, nil)
			})
			if err != nil {
				t.Fatal(err)
			}
			entries, err := read(t, to.Bytes())
			if err != nil || len(entries) != 6 {
				t.Fatalf("%d entries, %v", len(entries), err)
			}
			var whole, cut string
			for _, e := range entries {
				values, err := DecodeAll(e.Values)
				if err != nil {
					t.Fatal(err)
				}
				if e.Kind != Call {
					continue
				}
				for _, event := range values[0].([]any) {
					record := event.(component.Variant).Value.(component.Record)
					chunk, ok := record[1].([]byte)
					if ok && record[0] == uint32(1) {
						whole += string(chunk)
					} else if ok {
						cut = string(chunk)
					}
				}
			}
			if want := strings.Replace(text, secret, "x1xx1x-x1xx1x-xxxxx", 1); whole != want {
				t.Fatalf("parted at %d and %d, the body is\n%s, want\n%s", first, second, whole, want)
			}
			if cut != "xxx-x1x" {
				t.Fatalf("the body that was cut is %q", cut)
			}
		}
	}
}

func TestSpellings(t *testing.T) {
	const secret = `pä"ss<wörd>&mo/re`
	to := &buffer{}
	goes, _ := json.Marshal(secret)
	twice, _ := json.Marshal(string(goes))
	err := write(t, to, Options{Secrets: []string{secret}}, func(w *Writer) {
		w.Call("x", []any{secret, string(goes), string(twice), "key=p%C3%A4%22ss%3Cw%C3%B6rd%3E%26mo%2Fre&a=b"})
	})
	if err != nil {
		t.Fatal(err)
	}
	entries, err := read(t, to.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	values, err := DecodeAll(entries[0].Values)
	if err != nil {
		t.Fatal(err)
	}
	hidden := mask(secret)
	goes, _ = json.Marshal(hidden)
	twice, _ = json.Marshal(string(goes))
	want := []any{hidden, string(goes), string(twice), "key=x%C3%A9%22xx%3Cx%C3%A9xx%3E%26xx%2Fxx&a=b"}
	if diff := cmp.Diff(want, values); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestChangedBytes changes each byte of a recording, one after another, and cuts the recording at each byte.
func TestChangedBytes(t *testing.T) {
	to := &buffer{}
	err := write(t, to, Options{}, func(w *Writer) {
		w.Reading(Monotonic, 1)
		w.Call("connect", []any{uint32(1), "x"})
		w.Import("settle", []any{uint32(1), component.OK("{}")}, nil, errors.New("no"))
		w.Random([]byte{1, 2, 3})
		w.Trap(errors.New("it trapped"))
	})
	if err != nil || !to.closed {
		t.Fatalf("%v, closed: %v", err, to.closed)
	}
	text := to.Bytes()
	entries, err := read(t, text)
	if err != nil || len(entries) != 6 || entries[5].Reason != Closed {
		t.Fatalf("%v, %v", entries, err)
	}
	for i := range text {
		changed := bytes.Clone(text)
		changed[i] ^= 1
		var format *FormatError
		if _, err := read(t, changed); !errors.As(err, &format) {
			t.Errorf("byte %d (%q for %q): %v", i, changed[i], text[i], err)
		}
		short, err := read(t, text[:i])
		if err == nil && (len(short) > 5 || text[i-1] != '\n') {
			t.Errorf("cut at byte %d it is read as whole", i)
		}
	}
	if _, err := read(t, append(bytes.Clone(text), '\n')); err == nil {
		t.Error("a line behind the end is read")
	}
}

func TestLimit(t *testing.T) {
	to := &buffer{}
	err := write(t, to, Options{Limit: 4000}, func(w *Writer) {
		for range 100 {
			w.Call("call", []any{strings.Repeat("x", 100)})
		}
	})
	if err == nil || !strings.Contains(err.Error(), "longer than 4000 bytes") || !to.closed {
		t.Errorf("%v, closed: %v", err, to.closed)
	}
	entries, err := read(t, to.Bytes())
	if err != nil || to.Len() > 4000 || len(entries) < 20 || entries[len(entries)-1].Reason != Limit {
		t.Errorf("%d entries in %d bytes: %v", len(entries), to.Len(), err)
	}
}

// A broken writer fails, or waits until it is released.
type broken struct{ wait chan struct{} }

func (b *broken) Write([]byte) (int, error) {
	if b.wait != nil {
		<-b.wait
	}
	return 0, errors.New("the disk is full")
}
func (b *broken) Close() error { return nil }

func TestBrokenWriter(t *testing.T) {
	lines := func(w *Writer) {
		for range 10 {
			w.Call("call", []any{strings.Repeat("x", 64<<10)})
		}
	}
	if err := write(t, &broken{}, Options{}, lines); err == nil || err.Error() != "the disk is full" {
		t.Errorf("the writer fails with %v", err)
	}
	stuck := &broken{wait: make(chan struct{})}
	err := write(t, stuck, Options{Limit: 1 << 40}, func(w *Writer) {
		defer close(stuck.wait) // Close waits for the writer at most LastWait.
		chunk := strings.Repeat("x", 1<<20)
		for range 2 * MaxWaiting >> 20 {
			w.Call("call", []any{chunk})
		}
		if w.mu.Lock(); !w.closed || len(w.items) > MaxWaiting>>20 {
			t.Errorf("%d items wait for a writer that is stuck", len(w.items))
		}
		w.mu.Unlock()
	})
	if err == nil {
		t.Error("a recording with a hole in it is whole")
	}
}
