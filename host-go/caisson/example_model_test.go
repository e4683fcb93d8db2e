package caisson_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http/httptest"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/internal/demoserver"
)

// What follows is the form in which many models take functions and ask for calls of them.
type (
	modelRequest struct {
		Messages []modelMessage  `json:"messages"`
		Tools    []modelFunction `json:"tools"`
	}
	modelMessage struct {
		Role       string      `json:"role"`
		Content    string      `json:"content"`
		ToolCalls  []modelCall `json:"tool_calls,omitempty"`
		ToolCallID string      `json:"tool_call_id,omitempty"`
	}
	modelFunction struct {
		Type     string `json:"type"`
		Function struct {
			Name        string `json:"name"`
			Description string `json:"description,omitempty"`
			Parameters  any    `json:"parameters"`
		} `json:"function"`
	}
	modelCall struct {
		ID       string `json:"id"`
		Type     string `json:"type"`
		Function struct {
			Name      string `json:"name"`
			Arguments string `json:"arguments"` // a JSON text
		} `json:"function"`
	}
)

// functions gives the tools of a server in the model's form.
func functions(ctx context.Context, session *caisson.Session) ([]modelFunction, error) {
	var all []modelFunction
	for tool, err := range session.Tools(ctx, nil) {
		if err != nil {
			return nil, err
		}
		f := modelFunction{Type: "function"}
		f.Function.Name, f.Function.Description, f.Function.Parameters = tool.Name, tool.Description, tool.InputSchema
		all = append(all, f)
	}
	return all, nil
}

// run makes a call that the model asks for, and gives the message for it. What the model gets wrong, and
// what a tool fails with, is the model's to read; that the server is gone is not.
func run(ctx context.Context, session *caisson.Session, call modelCall) (modelMessage, error) {
	answer := modelMessage{Role: "tool", ToolCallID: call.ID}
	arguments := json.RawMessage(call.Function.Arguments)
	if !json.Valid(arguments) {
		answer.Content = "error: the arguments are not JSON"
		return answer, nil
	}
	result, err := session.CallTool(ctx, &mcp.CallToolParams{Name: call.Function.Name, Arguments: arguments})
	switch {
	case errors.Is(err, caisson.CodeRPC), errors.Is(err, caisson.CodeInvalidArgument):
		answer.Content = "error: " + err.Error()
		return answer, nil
	case err != nil:
		return answer, err
	}
	var texts []string
	if result.IsError {
		texts = append(texts, "error:")
	}
	for _, content := range result.Content {
		if text, ok := content.(*mcp.TextContent); ok {
			texts = append(texts, text.Text)
		}
	}
	answer.Content = strings.Join(texts, "\n")
	return answer, nil
}

// converse asks the model, and makes the calls that it asks for, until it answers.
func converse(ctx context.Context, session *caisson.Session, model func(request []byte) (reply []byte, err error), question string) (string, error) {
	tools, err := functions(ctx, session)
	if err != nil {
		return "", err
	}
	messages := []modelMessage{{Role: "user", Content: question}}
	const rounds = 10
	for range rounds {
		request, err := json.Marshal(modelRequest{messages, tools})
		if err != nil {
			return "", err
		}
		text, err := model(request)
		if err != nil {
			return "", err
		}
		var reply modelMessage
		if err := json.Unmarshal(text, &reply); err != nil {
			return "", err
		}
		if len(reply.ToolCalls) == 0 {
			return reply.Content, nil
		}
		messages = append(messages, reply)
		for _, call := range reply.ToolCalls {
			answer, err := run(ctx, session, call)
			if err != nil {
				return "", err
			}
			messages = append(messages, answer)
		}
	}
	return "", fmt.Errorf("the model has not answered after %d rounds", rounds)
}

// scriptedModel is a model with a script: it calls add, first with arguments that are none, and then tells the sum.
func scriptedModel(request []byte) ([]byte, error) {
	var r modelRequest
	if err := json.Unmarshal(request, &r); err != nil {
		return nil, err
	}
	switch last := r.Messages[len(r.Messages)-1]; len(r.Messages) {
	case 1:
		for _, f := range r.Tools {
			parameters, err := json.Marshal(f.Function.Parameters)
			if err != nil {
				return nil, err
			}
			if f.Function.Name == "add" && strings.Contains(string(parameters), `"a"`) {
				return []byte(`{"role":"assistant","content":"","tool_calls":[{"id":"1","type":"function","function":{"name":"add","arguments":"two and three"}}]}`), nil
			}
		}
		return nil, errors.New("there is no function add")
	case 3:
		fmt.Println("The model reads:", last.Content)
		return []byte(`{"role":"assistant","content":"","tool_calls":[{"id":"2","type":"function","function":{"name":"add","arguments":"{\"a\":2,\"b\":3}"}}]}`), nil
	default:
		fmt.Println("The model reads:", last.Content)
		return json.Marshal(modelMessage{Role: "assistant", Content: "The call " + last.ToolCallID + " says " + last.Content + "."})
	}
}

// A model that calls the tools of a server: its functions, its calls and their results go through a loop.
func ExampleSession_model() {
	server := httptest.NewServer(demoserver.Handler(false, false))
	defer server.Close()
	ctx := context.Background()
	runtime, err := caisson.New(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer runtime.Close()
	session, err := runtime.Connect(ctx, caisson.Server{URL: server.URL})
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()
	answer, err := converse(ctx, session, scriptedModel, "How much is two and three?")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer)
	// Output:
	// The model reads: error: the arguments are not JSON
	// The model reads: {"sum":5}
	// The call 2 says {"sum":5}.
}
