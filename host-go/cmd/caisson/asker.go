//lint:file-ignore SA1019 The newest revision deprecates roots, sampling and logging; servers go on using them.

package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/terminal"
)

// An asker answers servers' questions: it asks the person at the terminal, one question at a time.
type asker struct {
	app    *app
	clock  *clock        // stops while a person is asked; set before the first question
	turn   chan struct{} // holds a token while a question is open
	lines  chan string   // the typed lines; nil until the first question
	ignore bool          // drops the line that was typed for a withdrawn question
}

func newAsker(a *app) *asker { return &asker{app: a, turn: make(chan struct{}, 1)} }

// errUserRejected is the specification's error for a declined request (client/sampling, "Error Handling").
var errUserRejected = &jsonrpc.Error{Code: -1, Message: "sampling is declined: this client has no language model"}

// handlers are the handlers that the program declares to servers.
func (k *asker) handlers(roots []string) (caisson.Handlers, error) {
	h := caisson.Handlers{
		ElicitationHandler:    k.elicit,
		URLElicitationHandler: k.elicit,
		CreateMessageHandler: func(_ context.Context, r *caisson.Request[*mcp.CreateMessageParams]) (*mcp.CreateMessageResult, error) {
			k.app.err.Say("%s asks for a language model's answer (sampling): declined, as there is none here", r.Session.Name())
			return nil, errUserRejected
		},
	}
	if len(roots) == 0 {
		return h, nil
	}
	list, err := rootList(roots)
	h.ListRootsHandler = func(context.Context, *caisson.Request[*mcp.ListRootsParams]) (*mcp.ListRootsResult, error) {
		return &mcp.ListRootsResult{Roots: list}, nil
	}
	return h, err
}

// rootList returns the roots for folders (specification, client/roots).
func rootList(folders []string) ([]*mcp.Root, error) {
	var roots []*mcp.Root
	for _, folder := range folders {
		path, err := filepath.Abs(folder)
		if err == nil {
			var info os.FileInfo
			if info, err = os.Stat(path); err == nil && !info.IsDir() {
				err = errors.New(folder + " is not a folder")
			}
		}
		if err != nil {
			return nil, &caisson.Error{Code: caisson.CodeInvalidArgument, Step: "--root", Message: err.Error(), Err: err}
		}
		slashed := filepath.ToSlash(path)
		if !strings.HasPrefix(slashed, "/") { // It is a path with a drive of Windows.
			slashed = "/" + slashed
		}
		roots = append(roots, &mcp.Root{URI: (&url.URL{Scheme: "file", Path: slashed}).String(), Name: filepath.Base(path)})
	}
	return roots, nil
}

// These are the responses to a question (specification, client/elicitation, "Response Actions").
const (
	accept  = "accept"
	decline = "decline"
	cancel  = "cancel"
)

// errCancel is the error for the end of the person's input.
var errCancel = errors.New("the input has ended")

// elicit asks the person at the terminal. It declines when there is no terminal.
func (k *asker) elicit(ctx context.Context, r *caisson.Request[*mcp.ElicitParams]) (*mcp.ElicitResult, error) {
	server := r.Session.Name()
	if !k.app.person() {
		k.app.err.Say("%s asks: %s: declined, as there is no terminal to answer at", server, r.Params.Message)
		return &mcp.ElicitResult{Action: decline}, nil
	}
	select {
	case k.turn <- struct{}{}:
		defer func() { <-k.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	k.clock.hold()
	defer k.clock.release()
	k.app.err.Ask()
	defer k.app.err.Answered()

	result, err := k.ask(ctx, server, r.Params)
	switch {
	case errors.Is(err, errCancel):
		k.app.err.Prompt("\n")
		return &mcp.ElicitResult{Action: cancel}, nil
	case err != nil:
		k.ignore = true
		k.app.err.Prompt("\n%s does not ask any more\n", terminal.OneLine(server, terminal.MaxLine))
	}
	return result, err
}

func (k *asker) ask(ctx context.Context, server string, p *mcp.ElicitParams) (*mcp.ElicitResult, error) {
	k.app.err.Prompt("\n%s asks:\n%s", terminal.OneLine(server, terminal.MaxLine), quote(p.Message))
	if p.Mode == "url" {
		return k.askURL(ctx, p)
	}
	return k.askForm(ctx, p)
}

// askURL shows the whole URL. It neither fetches nor opens the URL: the person does that.
func (k *asker) askURL(ctx context.Context, p *mcp.ElicitParams) (*mcp.ElicitResult, error) {
	k.app.err.Prompt("\nIt wants you to open this address in a browser:\n\n  %s\n\n", strings.ReplaceAll(terminal.Visible(p.URL), "\n", `\u{a}`))
	if u, err := url.Parse(p.URL); err == nil {
		k.app.err.Prompt("It is at the host %s. Open it only if you know it.\n", terminal.OneLine(u.Host, terminal.MaxLine))
	}
	action, err := k.choose(ctx, "Will you? yes, no or cancel", map[string]string{"y": accept, "n": decline, "c": cancel})
	return &mcp.ElicitResult{Action: action}, err
}

// quote marks a server's text as different from the program's own.
func quote(text string) string {
	return "  | " + strings.ReplaceAll(strings.TrimSpace(terminal.Visible(text)), "\n", "\n  | ") + "\n"
}

// choose asks until the first letter of the answer is that of a choice.
func (k *asker) choose(ctx context.Context, question string, choices map[string]string) (string, error) {
	for {
		answer, err := k.readLine(ctx, question)
		if err != nil {
			return "", err
		}
		if answer = strings.ToLower(answer); answer != "" {
			if choice, ok := choices[answer[:1]]; ok {
				return choice, nil
			}
		}
	}
}

// readLine asks for a line.
func (k *asker) readLine(ctx context.Context, question string) (string, error) {
	if k.lines == nil {
		k.lines = make(chan string)
		go readLines(k.app.in, k.lines)
	}
	if k.ignore {
		k.ignore = false
		select {
		case <-k.lines:
		default:
		}
	}
	k.app.err.Prompt("%s> ", question)
	select {
	case line, ok := <-k.lines:
		if !ok {
			return "", errCancel
		}
		return strings.TrimSpace(line), nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// readLines reads lines until the end. Its goroutine may outlive the last question, because a read of a
// terminal cannot be interrupted.
func readLines(in io.Reader, lines chan<- string) {
	defer close(lines)
	for scanner := bufio.NewScanner(in); scanner.Scan(); {
		lines <- scanner.Text()
	}
}
