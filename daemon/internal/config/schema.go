package config

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"

	"github.com/caisson-dev/caisson/host-go/caisson/policyfile"
)

//go:embed caisson.schema.json
var schema []byte

// Schema returns the JSON Schema (2020-12) of the configuration, for editors. It has those of a server and of the policy
// under $defs.
func Schema() ([]byte, error) {
	var whole map[string]json.RawMessage
	if err := json.Unmarshal(schema, &whole); err != nil {
		return nil, fmt.Errorf("the schema of the configuration: %w", err)
	}
	var defs map[string]json.RawMessage
	if err := json.Unmarshal(whole["$defs"], &defs); err != nil {
		return nil, fmt.Errorf("the schema of the configuration: $defs: %w", err)
	}
	// With an id of its own, what it refers to is its own.
	policy := bytes.Replace(policyfile.Schema, []byte("{"), []byte(`{"$id": "`+policyID+`",`), 1)
	defs["policy"] = policy
	var err error
	if whole["$defs"], err = json.Marshal(defs); err != nil {
		return nil, fmt.Errorf("the schema of the policy: %w", err)
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(whole); err != nil {
		return nil, fmt.Errorf("the schema of the configuration: %w", err)
	}
	return text.Bytes(), nil
}

// policyID names the policy's schema within this one. Nothing is fetched from there.
const policyID = "urn:caisson:policy"
