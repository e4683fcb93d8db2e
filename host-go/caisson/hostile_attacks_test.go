package caisson_test

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/caisson-dev/caisson/host-go/internal/race"
)

// An attack is what a hostile server does; each part may be missing.
type attack struct {
	early func(p *peer)                     // before it answers initialize
	page  func() string                     // the result of tools/list
	call  func(p *peer, id json.RawMessage) // on a call of a tool
	late  func(p *peer)                     // when the session is closed
}

// How many messages a flood has: more than are kept for anybody.
var (
	floodSmall = many(2_000)
	floodWhole = many(2_000)
	floodLarge = 64
)

// many is so many, but under the race detector, which needs few of each and is slow.
func many(n int) int {
	if race.Enabled {
		return n / 20
	}
	return n
}

// pour sends many messages.
func pour(p *peer, times int, text string) bool {
	text = strings.ReplaceAll(text, "@T", string(p.token))
	for i := range times {
		if !p.say("%s", strings.ReplaceAll(text, "@N", fmt.Sprint(i))) {
			return false
		}
	}
	return true
}

// flood sends many messages, and answers the call.
func flood(times int, format string, args ...any) func(*peer, json.RawMessage) {
	text := fmt.Sprintf(format, args...)
	return func(p *peer, id json.RawMessage) {
		if pour(p, times, text) {
			p.done(id)
		}
	}
}

const (
	aPing     = `{"jsonrpc":"2.0","id":"p@N","method":"ping"}`
	aProgress = `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":@T,"progress":@N}}`
	aNotice   = `{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"%s"}}`
	anAsk     = `{"jsonrpc":"2.0","id":"a@N","method":"elicitation/create","params":{"message":"who?","requestedSchema":{"type":"object","properties":{}}}}`
)

// odd sends messages of which each is odd in its own way, and answers the call.
func odd(messages ...string) func(*peer, json.RawMessage) {
	return func(p *peer, id json.RawMessage) {
		for _, text := range messages {
			p.say("%s", text)
		}
		p.done(id)
	}
}

// schema is a page with one tool whose results are to match a schema.
func schema(text string) func() string {
	return func() string {
		return `{"tools":[{"name":"any","inputSchema":{"type":"object"},"outputSchema":` + text + `}]}`
	}
}

func structured(text string) func(*peer, json.RawMessage) {
	return func(p *peer, id json.RawMessage) {
		p.say(`{"jsonrpc":"2.0","id":%s,"result":{"content":[],"structuredContent":%s}}`, id, text)
	}
}

// hijacked takes the connection of the call, to write what no library does.
func hijacked(write func(raw func(string) bool)) func(*peer, json.RawMessage) {
	return func(p *peer, _ json.RawMessage) {
		conn, _, err := http.NewResponseController(p.reply).Hijack()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		write(func(text string) bool {
			_, err := conn.Write([]byte(text))
			return err == nil
		})
	}
}

func endlessly(p func(string) bool, text string) {
	for p(text) {
	}
}

var attacks = map[string]attack{
	"pings":               {call: flood(floodSmall, aPing)},
	"notifications":       {call: flood(floodSmall, aNotice, "x")},
	"large notifications": {call: flood(floodLarge, aNotice, strings.Repeat("x", hostileMessage/2))},
	"asks":                {call: flood(many(500), anAsk)},
	"progress":            {call: flood(floodSmall, aProgress)},
	"much progress":       {call: flood(many(20_000), aProgress)},
	"answers to nobody":   {call: flood(floodSmall, `{"jsonrpc":"2.0","id":9@N99,"result":{}}`)},
	"logs": {call: func(p *peer, id json.RawMessage) {
		flood(floodSmall, "this is no message at all, whatever it is @N")(p, id)
	}},
	"huge ids": {call: odd(
		`{"jsonrpc":"2.0","id":"`+strings.Repeat("i", hostileMessage/2)+`","method":"ping"}`,
		`{"jsonrpc":"2.0","id":1e400,"method":"ping"}`,
		`{"jsonrpc":"2.0","id":123456789012345678901234567890,"result":{}}`,
		`{"jsonrpc":"2.0","id":{"a":[]},"method":"ping"}`,
		`{"jsonrpc":"2.0","id":-0.5,"method":"ping"}`)},
	"nesting": {call: odd(
		`{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":`+nested(100_000)+`}}`,
		nested(400_000))},
	"nested result": {call: func(p *peer, id json.RawMessage) {
		p.say(`{"jsonrpc":"2.0","id":%s,"result":{"content":[],"structuredContent":{"deep":%s}}}`, id, nested(100_000))
	}},
	"invalid UTF-8": {call: odd("\xff\xfe\x00", `{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"`+"\xc3\x28\xed\xa0\x80"+`"}}`)},
	"BOMs": {call: func(p *peer, id json.RawMessage) {
		p.say("\ufeff" + `{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}}`)
		p.say("\ufeff\ufeff")
		p.done(id)
	}},
	"batch": {call: func(p *peer, id json.RawMessage) {
		p.say("%s", "["+strings.Repeat(`{"jsonrpc":"2.0","id":7,"method":"ping"},`, floodWhole)[:41*floodWhole-1]+"]")
		p.done(id)
	}},
	"batch of nothing": {call: func(p *peer, id json.RawMessage) {
		p.say("%s", "["+strings.Repeat(`0,`, floodWhole)+"0]")
		p.done(id)
	}},

	"endless": {call: func(p *peer, id json.RawMessage) {
		defer p.begin()()
		endlessly(p.raw, strings.Repeat("x", 64<<10))
	}},
	"endless result": {call: func(p *peer, id json.RawMessage) {
		defer p.begin()()
		p.raw(`{"jsonrpc":"2.0","id":` + string(id) + `,"result":{"content":[{"type":"text","text":"`)
		endlessly(p.raw, strings.Repeat("x", 64<<10))
	}},
	"nothing": {call: func(p *peer, id json.RawMessage) { // Empty lines, comments, blanks.
		blank := map[string]string{overStdio: "\n", overJSON: " "}[p.over]
		if blank == "" {
			blank = ": \n"
		}
		endlessly(p.raw, strings.Repeat(blank, 4<<10))
	}},
	"drip": {call: func(p *peer, id json.RawMessage) {
		defer p.begin()()
		p.raw(`{"jsonrpc":"2.0","id":` + string(id) + `,"result":{"content":[{"type":"text","text":"`)
		_ = p.reply != nil && http.NewResponseController(p.reply).Flush() == nil
		for p.raw("x") {
			if p.reply != nil && http.NewResponseController(p.reply).Flush() != nil {
				return
			}
			select {
			case <-p.gone:
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
	}},
	"silence": {call: func(p *peer, id json.RawMessage) {
		if p.gone != nil && p.over != overSSE && p.over != overStdio {
			<-p.gone
		}
	}},
	"headers": {call: hijacked(func(raw func(string) bool) {
		raw("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
		for i := 0; raw(fmt.Sprintf("X-%d: %s\r\n", i, strings.Repeat("h", 1000))); i++ {
		}
	})},
	"a header": {call: hijacked(func(raw func(string) bool) {
		raw("HTTP/1.1 200 OK\r\nX: ")
		endlessly(raw, strings.Repeat("h", 64<<10))
	})},
	"interim responses": {call: hijacked(func(raw func(string) bool) {
		endlessly(raw, "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
	})},
	"chunks": {call: hijacked(func(raw func(string) bool) {
		raw("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
		endlessly(raw, strings.Repeat("1\r\n \r\n", 4<<10))
	})},
	"trailers": {call: hijacked(func(raw func(string) bool) {
		raw("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n0\r\n")
		endlessly(raw, "X: "+strings.Repeat("t", 1000)+"\r\n")
	})},
	"bomb": {call: func(p *peer, _ json.RawMessage) {
		p.reply.Header().Set("Content-Encoding", "gzip")
		z, zeros := gzip.NewWriter(p.reply), make([]byte, 1<<20)
		for range 1 << 10 {
			if _, err := z.Write(zeros); err != nil {
				return
			}
		}
		_ = z.Close()
	}},
	"redirects": {call: func(p *peer, _ json.RawMessage) {
		p.reply.Header().Set("Location", "/mcp?again")
		p.reply.WriteHeader(http.StatusTemporaryRedirect)
	}},
	"busy": {call: func(p *peer, _ json.RawMessage) {
		p.reply.Header().Set("Retry-After", "0")
		p.reply.WriteHeader(http.StatusServiceUnavailable)
	}},

	"cursors": {page: func() string {
		return fmt.Sprintf(`{"tools":[{"name":"t%d","inputSchema":{"type":"object"}}],"nextCursor":"%d"}`, time.Now().UnixNano(), time.Now().UnixNano())
	}},
	"one cursor": {page: func() string { return `{"tools":[],"nextCursor":"again"}` }},
	"many tools": {page: func() string {
		var b strings.Builder
		for i := range 10_000 {
			fmt.Fprintf(&b, `,{"name":"tool-%d","description":"one of many","inputSchema":{"type":"object","properties":{"a":{"type":"string"}}}}`, i)
		}
		return `{"tools":[` + b.String()[1:] + `]}`
	}},
	"a pattern": {page: schema(`{"type":"object","properties":{"s":{"type":"string","pattern":"^(a+)+$"}},"required":["s"]}`), call: structured(`{"s":"` + strings.Repeat("a", 40) + `!"}`)},
	"a large schema": {page: func() string {
		var b strings.Builder
		for i := range 2_000 {
			fmt.Fprintf(&b, `,"p%d":{"type":"object","properties":{"a":{"type":"string"},"b":{"enum":[1,2,3]}}}`, i)
		}
		return schema(`{"type":"object","properties":{` + b.String()[1:] + `}}`)()
	}, call: structured(`{"p1":{"a":"x"}}`)},
	"a schema of itself": {page: schema(`{"type":"object","properties":{"x":{"$ref":"#/properties/x"}}}`), call: structured(`{"x":1}`)},
	"schemas that multiply": {page: func() string {
		defs := `"d0":{"type":"object"}`
		for i := 1; i < 40; i++ {
			defs += fmt.Sprintf(`,"d%d":{"allOf":[{"$ref":"#/$defs/d%d"},{"$ref":"#/$defs/d%d"}]}`, i, i-1, i-1)
		}
		return schema(`{"type":"object","$defs":{` + defs + `},"$ref":"#/$defs/d39"}`)()
	}, call: structured(`{"x":1}`)},

	"before initialize": {early: func(p *peer) {
		pour(p, 900, fmt.Sprintf(aNotice, "early"))
		pour(p, 500, anAsk)
		pour(p, 500, aPing)
	}, call: func(p *peer, id json.RawMessage) { p.done(id) }},
	"after close": {call: func(p *peer, id json.RawMessage) { p.done(id) }, late: func(p *peer) {
		for p.say(aNotice, strings.Repeat("late", 1000)) {
		}
		if p.over == overStdio {
			time.Sleep(time.Hour) // Until it is ended.
		}
		<-p.gone
	}},
}

// nested is JSON in so many arrays.
func nested(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }
