package plain

import (
	"encoding/json"
	"reflect"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// openAPI makes the document of the paths (OpenAPI 3.1) from the types that they read and write.
func openAPI(routes []route) ([]byte, error) {
	type object = map[string]any
	paths := object{}
	content := func(value any) (object, error) {
		schema, err := schemaOf(value)
		return object{"application/json": object{"schema": schema}}, err
	}
	failure, err := content(&ErrorResponse{})
	if err != nil {
		return nil, err
	}
	for _, r := range routes {
		request, err := content(r.request)
		if err != nil {
			return nil, err
		}
		response, err := content(r.response)
		if err != nil {
			return nil, err
		}
		paths[r.path] = object{"post": object{
			"summary":     r.summary,
			"operationId": r.path[1:],
			"requestBody": object{"required": true, "content": request},
			"responses": object{
				"200":     object{"description": "It is done.", "content": response},
				"401":     object{"description": "It is not known who calls."},
				"default": object{"description": "It failed.", "content": failure},
			},
		}}
	}
	return json.MarshalIndent(object{
		"openapi":    "3.1.0",
		"info":       object{"title": "Caisson", "version": caisson.Version, "description": "The plain paths of caissond. All else is in the services of the proto caisson.v1."},
		"paths":      paths,
		"components": object{"securitySchemes": object{"bearer": object{"type": "http", "scheme": "bearer"}}},
		"security":   []any{object{"bearer": []any{}}},
	}, "", "  ")
}

// schemaOf makes the schema of a type. JSON that is passed on may be anything.
func schemaOf(value any) (*jsonschema.Schema, error) {
	return jsonschema.ForType(reflect.TypeOf(value).Elem(), &jsonschema.ForOptions{TypeSchemas: map[reflect.Type]*jsonschema.Schema{
		reflect.TypeFor[json.RawMessage](): {},
	}})
}
