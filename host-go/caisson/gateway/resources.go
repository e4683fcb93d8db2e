package gateway

import (
	"context"
	"encoding/json"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// resourceNotFound is the code of a resource that is not there, in the older revisions.
const resourceNotFound = -32002

// serverOf finds the server that has a resource, or a template.
func (v *View) serverOf(ctx context.Context, x *exchange, uri string) (string, error) {
	if v.only != "" {
		return v.only, nil
	}
	servers := v.Servers()
	server, known := v.client.routes.find(servers, uri)
	if !known { // Then one before it may have it.
		for _, of := range []*listing{resourceList, templateList} {
			if _, err := v.merged(ctx, x, of); err != nil {
				return "", err
			}
		}
		server, _ = v.client.routes.find(servers, uri)
	}
	if server == "" {
		code := int64(resourceNotFound)
		if x.modern {
			code = jsonrpc.CodeInvalidParams
		}
		return "", &jsonrpc.Error{Code: code, Message: "no server has the resource", Data: marshal(map[string]string{"uri": uri})}
	}
	return server, nil
}

func (v *View) readResource(ctx context.Context, x *exchange, uri string, whole map[string]json.RawMessage) (json.RawMessage, error) {
	server, err := v.serverOf(ctx, x, uri)
	if err != nil {
		return nil, err
	}
	return x.send(ctx, server, "resources/read", whole)
}

// complete completes an argument of a prompt or of a resource template.
func (v *View) complete(ctx context.Context, x *exchange, ref *mcp.CompleteReference, whole map[string]json.RawMessage) (json.RawMessage, error) {
	if ref == nil {
		return nil, invalidParams("there is no ref")
	}
	server, err := v.only, error(nil)
	if v.only == "" {
		if ref.Type == "ref/prompt" {
			var own string
			if server, own, err = v.resolve(ctx, x, promptList, ref.Name); err == nil {
				named, wrong := members(whole["ref"])
				if wrong != nil {
					return nil, invalidParams("the ref is no object")
				}
				named["name"] = marshal(own)
				whole["ref"] = marshal(named)
			}
		} else {
			server, err = v.serverOf(ctx, x, ref.URI)
		}
		if err != nil {
			return nil, err
		}
	}
	return x.send(ctx, server, "completion/complete", whole)
}
