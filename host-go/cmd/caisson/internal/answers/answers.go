// Package answers gives the answers of tools that nobody runs: from a file that somebody has written, or from a
// session or a script that was recorded.
package answers

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/internal/jcs"
)

// The bounds of a Book.
const (
	MaxFileBytes = 16 << 20 // of a file that somebody has written
	MaxBytes     = 64 << 20 // of all answers with their arguments, and definitions, those of recordings too
	maxDepth     = 64
	maxHint      = 1000 // of the arguments that an error shows
)

// A Book has the answers of one run of a script. Read each file before the run. It is safe for concurrent use.
type Book struct {
	mu      sync.Mutex
	files   []string
	servers map[string]*server
	bytes   int
}

// A server has the tools of one name. It is a Caller.
type server struct {
	book  *Book
	name  string
	tools map[string]*tool
}

// A tool has answers.
type tool struct {
	listed  *mcp.Tool
	answers []*answer // in the order of the files
}

// An answer is what one call, or any number of calls, get.
type answer struct {
	arguments map[string]json.RawMessage // in canonical form; nil for any
	exact     bool                       // the call has no other arguments
	results   []result                   // in order, one for each call; the only one of a single answer stays
	single    bool
	used      int
}

// A result is a result of a tool, or why a call has none.
type result struct {
	of     json.RawMessage
	failed string
}

// isRecording matches the beginning of a recording, of a session or of a script.
var isRecording = regexp.MustCompile(`^[ \t]*\{"caisson-(?:script-)?recording"`)

// Read reads a file: answers in YAML or JSON, or a recording.
func (b *Book) Read(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return b.read(path, f)
}

func (b *Book) read(path string, f io.Reader) error {
	from := bufio.NewReaderSize(f, 4096)
	begin, err := from.Peek(64)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: %w", path, err)
	}
	b.files = append(b.files, path)
	if isRecording.Match(begin) {
		err = b.recording(from)
	} else {
		var text []byte
		if text, err = io.ReadAll(io.LimitReader(from, MaxFileBytes+1)); err == nil && len(text) > MaxFileBytes {
			err = fmt.Errorf("it has more than %d bytes", MaxFileBytes)
		}
		if err == nil {
			err = b.written(text)
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// add adds an answer of a tool.
func (b *Book) add(serverName, toolName string, a *answer) error {
	for name, value := range a.arguments {
		b.bytes += len(name) + len(value)
	}
	for _, r := range a.results {
		b.bytes += len(r.of) + len(r.failed)
	}
	if b.bytes > MaxBytes {
		return fmt.Errorf("the answers have more than %d bytes together", MaxBytes)
	}
	t := b.tool(serverName, toolName)
	t.answers = append(t.answers, a)
	return nil
}

// tool returns a tool, and adds one that is not there.
func (b *Book) tool(serverName, toolName string) *tool {
	if b.servers == nil {
		b.servers = map[string]*server{}
	}
	s := b.servers[serverName]
	if s == nil {
		s = &server{book: b, name: serverName, tools: map[string]*tool{}}
		b.servers[serverName] = s
	}
	t := s.tools[toolName]
	if t == nil {
		t = &tool{listed: &mcp.Tool{Name: toolName, InputSchema: map[string]any{"type": "object"}}}
		s.tools[toolName] = t
	}
	return t
}

// Callers returns what answers, by the names of the servers.
func (b *Book) Callers() map[string]caisson.Caller {
	callers := map[string]caisson.Caller{}
	for name, s := range b.servers {
		callers[name] = s
	}
	return callers
}

// Missing says of a call that has no answer what to add.
func (b *Book) Missing(serverName, toolName string, arguments json.RawMessage) string {
	text := func(v string) string {
		quoted, _ := json.Marshal(v) // A text always marshals.
		return string(quoted)
	}
	given := ""
	switch {
	case len(arguments) > maxHint:
		given = ", arguments: …"
	case len(arguments) > 0:
		given = ", arguments: " + string(arguments)
	}
	return fmt.Sprintf(`%s.%s has no answer: add - {server: %s, tool: %s%s, answer: …} to %s`,
		serverName, toolName, text(serverName), text(toolName), given, strings.Join(b.files, " or "))
}

// ListTools lists the tools that have answers.
func (s *server) ListTools(context.Context, *mcp.ListToolsParams) (*mcp.ListToolsResult, error) {
	list := &mcp.ListToolsResult{Tools: []*mcp.Tool{}}
	for _, name := range slices.Sorted(maps.Keys(s.tools)) {
		list.Tools = append(list.Tools, s.tools[name].listed)
	}
	return list, nil
}

// CallTool gives the answer of the first entry that fits and has one left.
func (s *server) CallTool(ctx context.Context, params *mcp.CallToolParams) (*mcp.CallToolResult, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	wrong := func(code caisson.Code, message string) error {
		return &caisson.Error{Code: code, Server: s.name, Step: "tools/call", Message: message}
	}
	text, err := json.Marshal(params.Arguments)
	if err != nil {
		return nil, wrong(caisson.CodeInvalidArgument, err.Error())
	}
	given, err := members(text)
	if err != nil {
		return nil, wrong(caisson.CodeInvalidArgument, err.Error())
	}
	t := s.tools[params.Name]
	if t == nil {
		return nil, wrong(caisson.CodeInvalidArgument, s.book.Missing(s.name, params.Name, text))
	}
	s.book.mu.Lock()
	defer s.book.mu.Unlock()
	used := 0
	for _, a := range t.answers {
		if !a.fits(given) {
			continue
		}
		if !a.single && a.used >= len(a.results) {
			used += a.used
			continue
		}
		r := a.results[min(a.used, len(a.results)-1)]
		a.used++
		if r.failed != "" {
			return nil, wrong(caisson.CodeRPC, r.failed)
		}
		result, err := decode(r.of)
		if err != nil {
			return nil, wrong(caisson.CodeProtocol, err.Error())
		}
		return result, nil
	}
	message := s.book.Missing(s.name, params.Name, text)
	if used > 0 {
		message = fmt.Sprintf("its %d answers are used up: %s", used, message)
	}
	return nil, wrong(caisson.CodeInvalidArgument, message)
}

// decode makes a result of its text. Numbers of the structured content keep their digits.
func decode(text json.RawMessage) (*mcp.CallToolResult, error) {
	result := &mcp.CallToolResult{}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(text, result); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &raw); err != nil {
		return nil, err
	}
	if content, ok := raw["structuredContent"]; ok {
		result.StructuredContent = content
	}
	return result, nil
}

// members are the members of an object in canonical form; none for null.
func members(text json.RawMessage) (map[string]json.RawMessage, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(text, &object); err != nil {
		return nil, errors.New("the arguments are no object")
	}
	for name, value := range object {
		canonical, err := jcs.Lenient(value)
		if err != nil {
			return nil, fmt.Errorf("the argument %s: %w", name, err)
		}
		object[name] = canonical
	}
	return object, nil
}

// fits reports whether an answer is for a call with these arguments.
func (a *answer) fits(given map[string]json.RawMessage) bool {
	for name, value := range a.arguments {
		if is, ok := given[name]; !ok || !bytes.Equal(is, value) {
			return false
		}
	}
	return !a.exact || len(given) == len(a.arguments)
}

// Has reports whether there are files with answers.
func (b *Book) Has() bool { return len(b.files) > 0 }
