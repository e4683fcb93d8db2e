package exact

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strconv"
)

// integers are the members that are numbers in the protocol and integers in the Go SDK. A message is useful
// without them.
var integers = []string{"size", "ttlMs", "total"}

// opaque are the members whose content the protocol does not define. They stay unchanged.
var opaque = []string{"structuredContent", "_meta", "arguments", "input", "inputSchema", "outputSchema", "requestedSchema", "experimental"}

// fitting returns a message that the Go SDK's types can hold. It writes a number such as 5.0 in these members
// as the integer 5. It leaves out other values of these members, and a resultType that is no text. It returns
// nil when this changes nothing.
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

// fit changes the members in a value. It reports whether it has changed anything.
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

// exactly is the bound up to which a float64 represents every integer.
const exactly = 1 << 53

// integer returns a number in the form in which Go reads an int64. It returns false when there is none.
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
