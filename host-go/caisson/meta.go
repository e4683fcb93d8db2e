package caisson

import (
	"context"
	"encoding/json"
	"errors"

	"go.opentelemetry.io/otel/propagation"
)

// traceMeta returns the members of `_meta` that a propagator makes of the context (specification
// 2026-07-28, "Trace Context"); none when there is no trace.
func traceMeta(ctx context.Context, propagator propagation.TextMapPropagator) map[string]json.RawMessage {
	carrier := propagation.MapCarrier{}
	propagator.Inject(ctx, carrier)
	if len(carrier) == 0 {
		return nil
	}
	meta := make(map[string]json.RawMessage, len(carrier))
	for key, value := range carrier {
		meta[key], _ = json.Marshal(value) // A string always marshals.
	}
	return meta
}

// addMeta adds members to the `_meta` of params, a JSON object. Those that are there stay.
func addMeta(params string, add map[string]json.RawMessage) (string, error) {
	whole, meta, err := splitMeta(params)
	if err != nil {
		return "", err
	}
	for key, value := range add {
		if _, there := meta[key]; !there {
			meta[key] = value
		}
	}
	if whole["_meta"], err = json.Marshal(meta); err != nil {
		return "", err
	}
	text, err := json.Marshal(whole)
	return string(text), err
}

// splitMeta returns the members of params and of its `_meta`, never nil.
func splitMeta(params string) (whole, meta map[string]json.RawMessage, err error) {
	switch {
	case json.Unmarshal([]byte(params), &whole) != nil:
		err = errNotObject
	case whole["_meta"] != nil && json.Unmarshal(whole["_meta"], &meta) != nil:
		err = errors.New("their _meta is not a JSON object")
	}
	if whole == nil {
		whole = map[string]json.RawMessage{}
	}
	if meta == nil {
		meta = map[string]json.RawMessage{}
	}
	return whole, meta, err
}
