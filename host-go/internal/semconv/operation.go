package semconv

import (
	"go.opentelemetry.io/otel/attribute"
)

// An Operation is a request or a notification, as its span and its point have it.
type Operation struct {
	Method string
	// Name is that of the tool or the prompt that it is about.
	Name string
	// URI is that of the resource that it is about.
	URI string
}

const (
	callsTool  = "tools/call"
	getsPrompt = "prompts/get"
)

// SpanName is the method, with the name where there is one.
func (o Operation) SpanName() string {
	name := Cut(o.Method)
	if o.named() != "" && o.Name != "" {
		name += " " + Cut(o.Name)
	}
	return name
}

// named is the attribute that has the name; "" where the method has none.
func (o Operation) named() string {
	switch o.Method {
	case callsTool:
		return "gen_ai.tool.name"
	case getsPrompt:
		return "gen_ai.prompt.name"
	}
	return ""
}

// OnSpan are the attributes of its span.
func (o Operation) OnSpan() []attribute.KeyValue {
	all := o.with(Cut(o.Method), Cut(o.Name))
	if o.URI != "" {
		all = append(all, attribute.String("mcp.resource.uri", Cut(o.URI)))
	}
	return all
}

func (o Operation) with(method, name string) []attribute.KeyValue {
	all := []attribute.KeyValue{attribute.String("mcp.method.name", method)}
	if o.Method == callsTool {
		all = append(all, attribute.String("gen_ai.operation.name", "execute_tool"))
	}
	if key := o.named(); key != "" {
		all = append(all, attribute.String(key, name))
	}
	return all
}

// Names are the methods, tools and prompts that metrics may name. The zero value has none. It is safe for concurrent
// use.
type Names struct{ methods, tools, prompts Labels }

// Know has metrics name these methods from the beginning.
func (n *Names) Know(methods ...string) {
	for _, method := range methods {
		n.methods.Label(method, true)
	}
}

// OnMetric are the attributes of an operation's point, which has failed or not.
func (n *Names) OnMetric(o Operation, succeeded bool) []attribute.KeyValue {
	name := ""
	switch o.Method {
	case callsTool:
		name = n.tools.Label(o.Name, succeeded)
	case getsPrompt:
		name = n.prompts.Label(o.Name, succeeded)
	}
	return o.with(n.methods.Label(o.Method, succeeded), name)
}
