package plugin

import (
	"context"
	"fmt"
	"strings"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/component"
)

// provider is the interface of a plugin that lists its tools itself (wit/plugin/provider.wit).
const (
	provider        = "caisson:plugin/provider"
	providerVersion = "@0.1.0"
)

// shape returns what lists the tools: by what the component exports it is one that lists them itself, or any other.
func (p *Plugin) shape() (func(context.Context, *instance) ([]*tool, error), error) {
	for _, e := range p.code.Exports() {
		name, version, _ := strings.Cut(e.Name, "@")
		if name != provider || e.Kind != component.KindInstance {
			continue
		}
		functions := map[string]*component.FuncType{}
		for _, f := range e.Items {
			functions[f.Name] = f.Func
		}
		if !strings.HasPrefix("@"+version, "@0.1.") || !isListTools(functions["list-tools"]) || !isCallTool(functions["call-tool"]) {
			return nil, faultf(caisson.CodeConnect, p.name, "load", "it exports %s, which is not the interface %s%s: build it with the package caisson:plugin@0.1.0", short(e.Name), provider, providerVersion)
		}
		return p.listProvided, nil
	}
	return p.listExports, nil
}

func is(t *component.Type, kind component.TypeKind) bool { return t != nil && t.Kind == kind }

func isListTools(f *component.FuncType) bool {
	return f != nil && len(f.Params) == 0 && is(f.Result, component.TypeResult) &&
		is(f.Result.OK, component.TypeString) && is(f.Result.Err, component.TypeString)
}

func isCallTool(f *component.FuncType) bool {
	if f == nil || len(f.Params) != 2 || !is(f.Params[0].Type, component.TypeString) || !is(f.Params[1].Type, component.TypeString) ||
		!is(f.Result, component.TypeResult) || !is(f.Result.OK, component.TypeString) || !is(f.Result.Err, component.TypeVariant) {
		return false
	}
	cases := ""
	for _, c := range f.Result.Err.Fields {
		cases += fmt.Sprintf("%s %v;", c.Name, is(c.Type, component.TypeString))
	}
	return cases == "unknown-tool false;invalid-arguments true;failed true;"
}
