// Package jsontext writes JSON in the form that people and shells like.
package jsontext

import (
	"bytes"
	"encoding/json"
)

// Marshal is json.Marshal, but leaves <, > and & as they are.
func Marshal(value any) (json.RawMessage, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(value)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}
