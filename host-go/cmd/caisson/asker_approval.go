package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/caisson-dev/caisson/host-go/caisson/policy"
	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/terminal"
)

// maxShownArguments bounds what is shown of a call's arguments. The person sees the whole, or is not asked.
const maxShownArguments = 16 << 10

// approve asks the person at the terminal whether a call may be made. Without a terminal, and where the policy asks
// somebody else, the answer is no.
func (k *asker) approve(ctx context.Context, q *policy.Question) (policy.Answer, error) {
	if !k.app.person() {
		return q.No(), errors.New("there is no terminal to answer at")
	}
	if !q.Accepts(principal()) {
		return q.No(), policy.ErrNotAsked
	}
	if len(q.Call.Arguments) > maxShownArguments {
		return q.No(), fmt.Errorf("the arguments have %d bytes, which is too much to be shown", len(q.Call.Arguments))
	}
	select {
	case k.turn <- struct{}{}:
		defer func() { <-k.turn }()
	case <-ctx.Done():
		return q.No(), ctx.Err()
	}
	k.clock.hold()
	defer k.clock.release()
	k.app.err.Ask()
	defer k.app.err.Answered()

	k.app.err.Prompt("\nThe policy wants a yes for the %s %s of %s, with\n%s", q.Call.Kind, oneLine(q.Call.Name), oneLine(q.Call.Server), quote(shownArguments(q.Call.Arguments)))
	if q.Who != "" {
		k.app.err.Prompt("The policy asks %s, and you are %s.\n", oneLine(q.Who), oneLine(principal()))
	}
	if q.Text != "" {
		k.app.err.Prompt("%s\n", terminal.Visible(q.Text))
	}
	choices := map[string]string{"y": "yes", "n": "no"}
	question := "May it be called? yes or no"
	if lasting := q.Lasting(); lasting != "" {
		question = fmt.Sprintf("May it be called? yes (%s), once, or no", lasting)
		choices["o"] = "once"
	}
	answer, err := k.choose(ctx, question, choices)
	switch {
	case errors.Is(err, errCancel):
		k.app.err.Prompt("\n")
		return q.No(), nil
	case err != nil:
		k.ignore = true
		k.app.err.Prompt("\nthe call does not wait any more\n")
		return q.No(), err
	case answer == "yes":
		return q.Yes(principal()), nil
	case answer == "once":
		return q.YesOnce(principal()), nil
	}
	return q.No(), nil
}

func oneLine(text string) string { return terminal.OneLine(text, terminal.MaxLine) }

// shownArguments indents arguments. Escapes that hide something from the eye stay escapes.
func shownArguments(arguments json.RawMessage) string {
	if len(arguments) == 0 {
		return "no arguments"
	}
	var text bytes.Buffer
	if json.Indent(&text, arguments, "", "  ") != nil {
		return strings.TrimSpace(string(arguments))
	}
	return text.String()
}
