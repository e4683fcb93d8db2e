package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/caisson-dev/caisson/host-go/caisson/pins"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"
	"github.com/caisson-dev/caisson/host-go/caisson/policyfile"
)

// TestWritePolicy reads what is written for odd offers: each tool is granted, asked about or denied as it says of itself,
// under its own name alone, and what is left out is said.
func TestWritePolicy(t *testing.T) {
	t.Parallel()
	o := &offer{server: "yes: #1", identity: &pins.Identity{Command: `/a "b"/c`}}
	odd := []string{"plain", "a*b", "true", "- x: [", "é\u202e", `"`, "c\u0085d", "\u0081", "\ufeff", "\u007f\a", "\U0001f600\U000e0041", "\ufffe", "#"}
	for i, hint := range []string{`{"readOnlyHint":true}`, `{"destructiveHint":true}`, `{}`} {
		for _, name := range odd {
			text, err := json.Marshal(map[string]any{"name": name + fmt.Sprint(i), "inputSchema": map[string]any{"type": "object"}, "annotations": json.RawMessage(hint)})
			if err != nil {
				t.Fatal(err)
			}
			d, err := pins.Define(text)
			if err != nil {
				t.Fatal(err)
			}
			o.definitions = append(o.definitions, d)
		}
	}
	offers := func(kind pins.Kind, key, name string) {
		text, err := json.Marshal(map[string]any{"name": "n", key: name})
		if err != nil {
			t.Fatal(err)
		}
		d, err := pins.DefineAs(kind, text)
		if err != nil {
			t.Fatal(err)
		}
		o.definitions = append(o.definitions, d)
	}
	for i := range mostWritten + 3 {
		offers(pins.Resource, "uri", fmt.Sprintf("x:%d", i))
		offers(pins.Template, "uriTemplate", fmt.Sprintf("t:%d/{a}", i))
	}
	o.definitions = append(o.definitions, o.definitions...) // A server may list an item twice.
	text := writePolicy([]*offer{o})
	for _, want := range []string{
		"# 3 further resources are not granted: a pattern such as", "# and 3 further ones.", "asks: [elicitation, sampling, roots]",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("it does not say %q:\n%s", want, text)
		}
	}
	o.definitions = slices.DeleteFunc(o.definitions, func(d *pins.Definition) bool { return d.Kind == pins.Template })
	templates := map[string]string{
		"y:{a}": "y:1", "z:a*b/{+path}{?q}": "z:a*b/1/2?q=3", "w:{/more*}": "w:/1/2",
		"r:{a}{b}": "r:12",
	}
	for _, hostile := range []string{"v:{a}\u0085    tools: ['**']", "u:{a}\n    tools: ['**']", "t:{a}\u2028\u202e"} { // No pattern fits them.
		offers(pins.Template, "uriTemplate", hostile)
	}
	for template := range templates {
		offers(pins.Template, "uriTemplate", template)
	}
	offers(pins.Prompt, "name", "p*")
	text = writePolicy([]*offer{o})
	p, err := policyfile.Parse("caisson.policy.yaml", []byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	for i, want := range []policy.Effect{policy.Allow, policy.Deny, policy.NeedsAnswer} {
		for _, name := range odd {
			call := &policy.Call{Server: o.server, Kind: policy.Tool, Name: name + fmt.Sprint(i), Arguments: json.RawMessage(`{}`), ReadOnly: i == 0}
			if got := p.Decide(call); got.Effect != want {
				t.Errorf("%s is decided as %s, want %s\n%s", call.Name, got.Effect, want, text)
			}
		}
	}
	for name, kind := range map[string]policy.Kind{"axb0": policy.Tool, "x:102": policy.Resource, "px": policy.Prompt} {
		if got := p.Decide(&policy.Call{Server: o.server, Kind: kind, Name: name}); got.Effect != policy.Deny {
			t.Errorf("%s is granted", name)
		}
	}
	for name, kind := range map[string]policy.Kind{"x:1": policy.Resource, "p*": policy.Prompt} {
		if got := p.Decide(&policy.Call{Server: o.server, Kind: kind, Name: name}); got.Effect != policy.Allow {
			t.Errorf("%s is not granted", name)
		}
	}
	// The rules in the comment grant a template, and what is made of it, once somebody puts them in.
	head, comment, ok := strings.Cut(text, "Rules under \"resources\" would grant them:\n")
	comment, rest, found := strings.Cut(comment, "    prompts:")
	if !ok || !found {
		t.Fatalf("it does not speak of templates:\n%s", text)
	}
	granting, err := policyfile.Parse("caisson.policy.yaml", []byte(head+"\n"+strings.ReplaceAll(comment, "    #   - ", "      - ")+"    prompts:"+rest))
	if err != nil {
		t.Fatalf("%v\n%s", err, comment)
	}
	for template, made := range templates {
		for _, name := range []string{template, made} {
			call := &policy.Call{Server: o.server, Kind: policy.Resource, Name: name}
			if p.Decide(call).Effect != policy.Deny || granting.Decide(call).Effect != policy.Allow {
				t.Errorf("%q is decided as %s, and with the comment's rules as %s:\n%s", name, p.Decide(call).Effect, granting.Decide(call).Effect, comment)
			}
		}
	}
}
