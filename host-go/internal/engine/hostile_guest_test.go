package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/caisson-dev/caisson/host-go/component"
)

// hostileCore is the component of testdata/hostile.
var hostileCore = sync.OnceValues(func() (*component.Prepared, error) {
	wasm, err := os.ReadFile("../../../build/hostile.wasm")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("there is no build/hostile.wasm: node scripts/build-hostile.mjs makes it, and make test does")
	}
	if err != nil {
		return nil, err
	}
	return component.Prepare(wasm, nil)
})

func hostile(t testing.TB) *component.Prepared {
	t.Helper()
	core, err := hostileCore()
	if err != nil {
		t.Fatal(err)
	}
	return core
}

// A script is what the hostile core does; testdata/hostile/hostile.wat says how it is written. It may
// be made as the first one, which has parts for exports, or as the params of a request.
type script struct {
	at    int // where its texts will be
	texts string
	words strings.Builder
}

// first is the script that connect is given, and inRequest one that a request is.
func first() *script     { return &script{at: 0x80000} }
func inRequest() *script { return &script{at: 0x90000} }

// The imports, in the order of hostile.wat.
const (
	httpStart = iota
	httpPrepare
	httpPost
	httpAbort
	pipeOpen
	pipeWrite
	pipeClose
	setTimer
	clearTimer
	settle
	notifyHost
	askHost
	retractAsk
	listening
	taskState
	renewed
	closedHost
	logHost
	beginTurn
	endTurn
	authorizeRequest
	askLogin
	forgetCredential
	callScriptTool
	logScript
	settleScript
)

// The exports that may have a part of the first script.
const (
	onDeliver = 1 + iota
	onRequest
	onCall
	onPing
	onCancel
	onClose
	onNotify
)

// turn and begun stand for numbers that are not known before: of the loop, and of the call.
type symbol string

const (
	turn  symbol = "i"
	begun symbol = "c"
)

// A span is a text, or any part of the core's memory, where it is given to an import.
type span struct{ at, size int }

// large is a part of the memory that grow has made.
func large(size int) span { return span{4 << 20, size} }

func (s *script) word(words ...any) *script {
	for _, w := range words {
		fmt.Fprintf(&s.words, "%v ", w)
	}
	return s
}

// call calls an import. Texts and spans are two arguments each.
func (s *script) call(which int, args ...any) *script {
	s.word(3, which)
	for _, a := range args {
		switch a := a.(type) {
		case string:
			s.word(s.at+len(s.texts), len(a))
			s.texts += a
		case span:
			s.word(a.at, a.size)
		default:
			s.word(a)
		}
	}
	return s
}

// times does something n times.
func (s *script) times(n int, body func()) *script {
	s.word(1, n)
	body()
	return s.word(2)
}

func (s *script) trap() *script         { return s.word(4) }
func (s *script) spin() *script         { return s.word(5) }
func (s *script) settle() *script       { return s.word(7) }
func (s *script) on(export int) *script { return s.word(8, export) }

// compute takes a while.
func (s *script) compute(turns int) *script { return s.times(turns, func() {}) }

// grow makes room for large.
func (s *script) grow(bytes int) *script { return s.word(6, bytes>>16+1) }

// start begins an exchange with a body.
func (s *script) start(id any, session int, method, url, body any) *script {
	return s.call(httpStart, id, session, method, url, 0, 0, 1, body)
}

// prepare keeps a request.
func (s *script) prepare(id any, method, url any) *script {
	return s.call(httpPrepare, id, 1, method, url, 0, 0, 0, 0, 0)
}

// begin asks for the turn to authorize.
func (s *script) begin(session int) *script { return s.call(beginTurn, session, 401, 0, 0, 0, 0, 0, 0) }

// authorize begins an exchange of the authorization.
func (s *script) authorize(id any, session int, method, url, body any) *script {
	return s.call(authorizeRequest, id, session, method, url, 0, 0, 1, body, 1)
}

// settleWith settles a call with a text.
func (s *script) settleWith(call any, text any) *script {
	return s.call(settle, call, 0, text, 0, 0, 0, 0, 0, 0, 0, 0, 0)
}

// end says that the session is closed: kind is the failure's place in wit/types.wit.
func (s *script) end(session, kind int, message string) *script {
	return s.call(closedHost, session, kind, message, 0, 0, 0, 0, "session", 0, 0)
}

func (s *script) String() string {
	return strings.ReplaceAll(s.texts, "\n", " ") + "\n" + s.words.String() + "0 "
}
