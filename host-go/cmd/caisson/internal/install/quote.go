package install

import (
	"bytes"
	"encoding/json"
)

// quote writes a text in quotes, as JSON does. TOML's basic strings and YAML's double-quoted ones read that.
func quote(text string) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(text) // A text always can.
	return string(bytes.ReplaceAll(bytes.TrimSuffix(b.Bytes(), []byte("\n")), []byte("\x7f"), []byte(`\u007f`)))
}
