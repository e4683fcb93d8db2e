package caisson_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

func TestDeclarations(t *testing.T) {
	tools := toolSet(t, map[string]caisson.Caller{"go": programTools(t), "other-server": programTools(t)})
	for language, wants := range map[caisson.DeclarationLanguage][]string{
		caisson.TypeScriptDeclarations: {
			"interface GoAddArguments {\n        /** the first number */\n        a: number;\n        b: number;",
			"/** Adds two numbers. */\n        add(args: GoAddArguments): Promise<",
			`readonly "other-server": OtherServerServer;`, "declare const tools: tools.Tools;",
		},
		caisson.PythonDeclarations: {
			"class GoAddArguments(TypedDict):\n    a: float\n    \"\"\"the first number\"\"\"\n    b: float",
			"def add(self, arguments: GoAddArguments, /) -> Awaitable[", `Literal["other-server"]`,
		},
	} {
		text, err := newClient(t, caisson.ClientOptions{}).Declarations(t.Context(), tools, language)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("the declarations in %s lack\n%s\n%s", language, want, text)
			}
		}
	}
	text, err := newClient(t, caisson.ClientOptions{}).Declarations(t.Context(), nil, caisson.TypeScriptDeclarations)
	if err != nil || !strings.Contains(text, "interface Tools {\n") {
		t.Error(text, err)
	}
}

func TestSearchTools(t *testing.T) {
	tools := toolSet(t, map[string]caisson.Caller{"go": programTools(t)})
	found, err := newClient(t, caisson.ClientOptions{}).SearchTools(t.Context(), tools, "describing a person", nil)
	if err != nil || len(found) == 0 || found[0].Tool != "describe" || found[0].Server != "go" || found[0].Score <= 0 {
		t.Fatal(found, err)
	}
	if want := "tools.go.describe: Describes a person"; found[0].Text != want {
		t.Errorf("%q, and not %q", found[0].Text, want)
	}
	found, err = newClient(t, caisson.ClientOptions{}).SearchTools(t.Context(), tools, "", &caisson.SearchOptions{Limit: 2, Detail: caisson.DetailFull, Language: caisson.PythonDeclarations})
	if err != nil || len(found) != 2 || !strings.Contains(found[0].Text, "class GoAddArguments") {
		t.Fatal(found, err)
	}
}

func TestDeclarationsFail(t *testing.T) {
	client := newClient(t, caisson.ClientOptions{})
	tools := toolSet(t, map[string]caisson.Caller{"go": programTools(t)})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		err  error
		code caisson.Code
	}{
		"language": {second(client.Declarations(t.Context(), tools, "cobol")), caisson.CodeInvalidArgument},
		"limit":    {second(client.SearchTools(t.Context(), tools, "x", &caisson.SearchOptions{Limit: 101})), caisson.CodeInvalidArgument},
		"detail":   {second(client.SearchTools(t.Context(), tools, "x", &caisson.SearchOptions{Detail: "none"})), caisson.CodeInvalidArgument},
		"zero":     {second(new(caisson.Client).Declarations(t.Context(), tools, caisson.PythonDeclarations)), caisson.CodeInvalidArgument},
	} {
		var e *caisson.Error
		if !errors.As(c.err, &e) || e.Code != c.code {
			t.Errorf("%s: %v", name, c.err)
		}
	}
	if _, err := client.Declarations(ended, tools, caisson.PythonDeclarations); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
