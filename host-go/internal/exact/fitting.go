package exact

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strconv"
)

// integers are the members that are numbers in the protocol and integers in the Go SDK. A message is of
// use without them.
var integers = []string{"size", "ttlMs", "total"}

// opaque are the members that hold what is not the protocol's: it is left as it is.
var opaque = []string{"structuredContent", "_meta", "arguments", "input", "inputSchema", "outputSchema", "requestedSchema", "experimental"}

// fitting returns a message again with those integers written as such, 5 for 5.0, and without those that are
// none, and without a resultType that is no text. It gives nil where that changes nothing.
func fitting(raw []byte) []byte {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var message any
	if decoder.Decode(&message) != nil {
		return nil
	}
	changed := fit(message)
	if whole, ok := message.(map[string]any); ok {
		kind, given := whole["resultType"]
		if _, ok := kind.(string); given && !ok {
			delete(whole, "resultType")
			changed = true
		}
	}
	if !changed {
		return nil
	}
	text, err := json.Marshal(message)
	if err != nil {
		return nil
	}
	return text
}

// fit changes what is in a value, and reports whether anything was changed.
func fit(value any) (changed bool) {
	switch value := value.(type) {
	case []any:
		for _, entry := range value {
			changed = fit(entry) || changed
		}
	case map[string]any:
		for name, member := range value {
			switch {
			case slices.Contains(opaque, name):
			case !slices.Contains(integers, name):
				changed = fit(member) || changed
			default:
				whole, ok := integer(member)
				if !ok {
					delete(value, name)
				} else if whole != member {
					value[name] = whole
				}
				changed = changed || !ok || whole != member
			}
		}
	}
	return changed
}

// exactly is up to where a float64 has every integer.
const exactly = 1 << 53

// integer returns a number as Go reads an int64, and false where there is none.
func integer(value any) (json.Number, bool) {
	number, ok := value.(json.Number)
	if !ok {
		return "", false
	}
	if _, err := number.Int64(); err == nil {
		return number, true
	}
	n, err := number.Float64()
	if err != nil || n != math.Trunc(n) || math.Abs(n) > exactly {
		return "", false
	}
	return json.Number(strconv.FormatInt(int64(n), 10)), true
}
