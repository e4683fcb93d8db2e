package egress

import (
	"bytes"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// pieces cuts data into chunks of the sizes given, over and over.
func pieces(data, sizes []byte) [][]byte {
	var chunks [][]byte
	for i := 0; len(data) > 0; i++ {
		n := len(data)
		if len(sizes) > 0 {
			n = min(n, 1+int(sizes[i%len(sizes)]))
		}
		chunks = append(chunks, data[:n])
		data = data[n:]
	}
	return chunks
}

// However the stream is cut, the lines are those of the whole.
func FuzzLines(f *testing.F) {
	f.Add([]byte("one\r\n\n\xfftwo\nthree\r"), []byte{0}, uint8(5))
	f.Add([]byte("12345\r\n123456\n1"), []byte{2, 4}, uint8(5))
	f.Add([]byte("123456\r"), []byte{5, 0}, uint8(5))
	f.Add([]byte("\r\r\n\n\r"), []byte{}, uint8(0))
	f.Fuzz(func(t *testing.T, data, sizes []byte, limit uint8) {
		var want []string
		wantOK := true
		for line := range strings.SplitSeq(string(data), "\n") {
			line = strings.TrimSuffix(line, "\r")
			if len(line) > int(limit) {
				wantOK = false
				break
			}
			if line != "" {
				want = append(want, strings.ToValidUTF8(line, "\uFFFD"))
			}
		}

		framed := lines{limit: int64(limit)}
		var got []string
		ok := true
		add := func(line string) {
			if line != "" {
				got = append(got, line)
			}
		}
		for _, chunk := range pieces(data, sizes) {
			for rest := chunk; len(rest) > 0 && ok; {
				var line string
				rest, line, ok = framed.next(rest)
				add(line)
			}
			if int64(framed.partial.Len()) > int64(limit)+1 {
				t.Fatalf("%d bytes are held", framed.partial.Len())
			}
		}
		if ok {
			var line string
			line, ok = framed.last()
			add(line)
		}
		if ok != wantOK || !slices.Equal(got, want) {
			t.Errorf("%q, %v, want %q, %v", got, ok, want, wantOK)
		}
	})
}

// However the stream is cut, the events have the sizes that counting byte by byte gives.
func FuzzEventMeter(f *testing.F) {
	f.Add([]byte("data: 1\n\ndata: 2\r\n\r\ndata: 3\r\rdata: 4\n\r\n"), []byte{0}, uint8(12))
	f.Add([]byte("12345\n\n123456\n"), []byte{6}, uint8(6))
	f.Add([]byte("\r\r\r\r\n\n\n\n"), []byte{0}, uint8(1))
	f.Add([]byte("a\rb\r\rccc"), []byte{3}, uint8(4))
	f.Fuzz(func(t *testing.T, data, sizes []byte, limit uint8) {
		want := firstBeyond(data, int(limit))
		meter := newEventMeter(int64(limit))
		got := 0
		for _, chunk := range pieces(data, sizes) {
			n := meter.take(chunk)
			got += n
			if n < len(chunk) {
				break
			}
		}
		if got != want {
			t.Errorf("%d bytes are within the limit, want %d", got, want)
		}
	})
}

// firstBeyond returns where the first byte is that makes an event larger than limit; the length of
// data if there is none.
func firstBeyond(data []byte, limit int) int {
	size, lineEmpty := 0, true
	for i, c := range data {
		if c == '\n' && i > 0 && data[i-1] == '\r' {
			continue
		}
		if size++; size > limit {
			return i
		}
		ended := c == '\n' || c == '\r'
		if ended && lineEmpty {
			size = 0
		}
		lineEmpty = ended
	}
	return len(data)
}

// An origin is the origin of itself, and no URL makes one that hides where a request goes.
func FuzzOrigin(f *testing.F) {
	for _, text := range []string{"HTTP://A:080/x", "https://u:p@[::1%25eth0]:443", "http://%41:1", "http://a:", "http://[::ffff:1.2.3.4]"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := url.Parse(text)
		if err != nil {
			return
		}
		first, err := originOf(u)
		if err != nil {
			return
		}
		again := &url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/other", RawQuery: "q"}
		if second, err := originOf(again); err != nil || second != first {
			t.Errorf("%q: %q, then %q, %v", text, first, second, err)
		}
	})
}

// A URL that is taken has one form, of one origin; the core's part of it has no query, and gets it back
// on the way out. One that is not taken is not quoted.
func FuzzParseURL(f *testing.F) {
	for _, text := range []string{
		"HTTP://B\u00fccher.example:080/a/../b/%2e%2E/c?d e#f", "https://u:p@[::FFFF:1.2.3.4]:443?%zz", "http://0x7f.1/", "http://a/%2F/./..", "http://１.2.3.4",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := ParseURL(text)
		if err != nil {
			if len(text) > 12 && strings.Contains(err.Error(), text) {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		again, err := ParseURL(u.String())
		if err != nil || again.String() != u.String() {
			t.Fatalf("%q: %v, and again %v, %v", text, u, again, err)
		}
		guest, err := url.Parse(GuestURL(u))
		if err != nil || guest.RawQuery != "" || guest.User != nil || guest.Fragment != "" {
			t.Fatalf("%q: the core is told of %v, %v", text, guest, err)
		}
		p := newPolicy(Grant{URL: u})
		if refused := p.check(guest, nil); refused != nil {
			t.Fatalf("%q: %v", text, refused)
		}
		if p.complete(guest); guest.RawQuery != u.RawQuery || guest.EscapedPath() != u.EscapedPath() {
			t.Errorf("%q: %v goes out, and not %v", text, guest, u)
		}
	})
}

// A message has the end of what was written, in whole lines, and never more than its share.
func FuzzTail(f *testing.F) {
	f.Add(bytes.Repeat([]byte("words\n"), 1000), []byte{200})
	f.Add([]byte("\x1b[31mred\xff"), []byte{0})
	f.Fuzz(func(t *testing.T, data, sizes []byte) {
		var kept tail
		for _, chunk := range pieces(data, sizes) {
			if n, err := kept.Write(chunk); n != len(chunk) || err != nil {
				t.Fatal(n, err)
			}
		}
		if end := data[max(0, len(data)-tailSize):]; !bytes.Equal(kept.kept, end) {
			t.Errorf("kept %q, want %q", kept.kept, end)
		}
		// A run of invalid bytes becomes one character of three bytes.
		if text := kept.text(); len(text) > 3*tailSize || strings.ContainsAny(text, "\x1b\r\x00") {
			t.Errorf("text %q", text)
		}
	})
}
