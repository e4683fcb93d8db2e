package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/caisson-dev/caisson/host-go/caisson/policy"
)

// maxShownArguments bounds the arguments that a person is shown: nobody says yes to what they have not seen.
const maxShownArguments = 16 << 10

// approver asks the client's person by an elicitation, where the policy says that the principal is one. For everybody
// else an answer of the client's is no approval: it may be the model's.
func (c *client) approver(p *policy.Policy) policy.Approver {
	return func(ctx context.Context, q *policy.Question) (policy.Answer, error) {
		x := exchangeOf(ctx)
		switch {
		case !p.IsPerson(c.principal):
			return q.No(), errors.New("the policy's people do not have the principal, so that nobody can be asked at its client")
		case x == nil || c.capabilities == nil || c.capabilities.Elicitation == nil || c.capabilities.Elicitation.Form == nil && c.capabilities.Elicitation.URL != nil:
			return q.No(), errors.New("the client does not show forms to its person")
		case len(q.Call.Arguments) > maxShownArguments:
			return q.No(), fmt.Errorf("the arguments have %d bytes, which is too much to be shown", len(q.Call.Arguments))
		}
		answer, err := x.ask(ctx, "elicitation/create", approvalForm(q))
		if err != nil {
			return q.No(), err
		}
		var said struct {
			Action  string `json:"action"`
			Content struct {
				Answer string `json:"answer"`
			} `json:"content"`
		}
		if err := json.Unmarshal(answer, &said); err != nil {
			return q.No(), err
		}
		switch {
		case said.Action != "accept":
		case said.Content.Answer == "yes":
			return q.Yes(c.principal), nil
		case said.Content.Answer == "once":
			return q.YesOnce(c.principal), nil
		}
		return q.No(), nil
	}
}

// approvalForm is the form of a question.
func approvalForm(q *policy.Question) json.RawMessage {
	choices := []string{"yes", "no"}
	message := fmt.Sprintf("The policy wants a yes for the %s %s of %s", q.Call.Kind, visible(q.Call.Name), visible(q.Call.Server))
	if len(q.Call.Arguments) > 0 {
		message += ", with " + visible(string(q.Call.Arguments))
	}
	message += "."
	if q.Text != "" {
		message += " " + visible(q.Text)
	}
	if q.Lasts != "" && q.Lasts != policy.Once {
		choices = []string{"yes", "once", "no"}
		of := "with these arguments"
		if q.Covers == policy.CoversTool {
			of = "with any arguments that the policy allows"
		}
		how := "for " + string(q.Lasts)
		if q.Lasts == policy.ForSession {
			how = "for this session"
		}
		message += fmt.Sprintf(" A yes is good %s, %s.", how, of)
	}
	return marshal(map[string]any{
		"mode": "form", "message": message,
		"requestedSchema": map[string]any{
			"type": "object", "required": []string{"answer"},
			"properties": map[string]any{"answer": map[string]any{"type": "string", "title": "May it be called?", "enum": choices}},
		},
	})
}

// visible writes characters that do not show, or that change the direction of a text, as escapes.
func visible(text string) string {
	var out strings.Builder
	for _, r := range text {
		if unicode.IsPrint(r) {
			out.WriteRune(r)
			continue
		}
		quoted := strconv.QuoteRuneToASCII(r)
		out.WriteString(quoted[1 : len(quoted)-1])
	}
	return out.String()
}
