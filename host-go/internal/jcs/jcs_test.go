package jcs_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/caisson-dev/caisson/host-go/internal/jcs"
)

// TestCanonical has the examples of RFC 8785: sections 3.2.2 and 3.2.3.
func TestCanonical(t *testing.T) {
	for text, want := range map[string]string{
		`{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
		  "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}`: ``,
		`{"string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}`:                                                                                                               "{\"literals\":[null,true,false],\"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}",
		`{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}`: "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u0080\":\"Control\",\"ö\":\"Latin Small Letter O With Diaeresis\",\"€\":\"Euro Sign\",\"😀\":\"Emoji: Grinning Face\",\"\ufb33\":\"Hebrew Letter Dalet With Dagesh\"}",
		" [ ] ": "[]", "{ }": "{}", `[1 , 2,{"b":1,"a":[ ]}]`: `[1,2,{"a":[],"b":1}]`,
		"-0": "0", "-0.0e5": "0", "1E400": "", "1.0": "1", "10e-1": "1", "1e21": "1e+21", "123456789012345680000": "123456789012345680000",
		"9007199254740993": "", "9007199254740992": "9007199254740992", "0e999999999999999999999": "0", "1e-400": "",
	} {
		got, err := jcs.Canonical([]byte(text))
		if string(got) != want || (err != nil) != (want == "") {
			t.Errorf("%s became %s (%v), and not %s", text, got, err, want)
		}
	}
	got, err := jcs.Lenient([]byte(`{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001]}`))
	if want := `{"numbers":[333333333.33333329,1e+30,4.5,0.002,1e-27]}`; err != nil || string(got) != want {
		t.Errorf("it became %s (%v), and not %s", got, err, want)
	}
}

// TestNumbers has the samples of RFC 8785, appendix B: a double's bits, and its text.
func TestNumbers(t *testing.T) {
	for bits, want := range map[uint64]string{
		0x0000000000000000: "0", 0x8000000000000000: "0", 0x0000000000000001: "5e-324", 0x8000000000000001: "-5e-324",
		0x7fefffffffffffff: "1.7976931348623157e+308", 0xffefffffffffffff: "-1.7976931348623157e+308",
		0x4340000000000000: "9007199254740992", 0xc340000000000000: "-9007199254740992",
		0x4430000000000000: "295147905179352830000", 0x44b52d02c7e14af5: "9.999999999999997e+22",
		0x44b52d02c7e14af6: "1e+23", 0x44b52d02c7e14af7: "1.0000000000000001e+23",
		0x444b1ae4d6e2ef4e: "999999999999999700000", 0x444b1ae4d6e2ef4f: "999999999999999900000", 0x444b1ae4d6e2ef50: "1e+21",
		0x3eb0c6f7a0b5ed8c: "9.999999999999997e-7", 0x3eb0c6f7a0b5ed8d: "0.000001",
		0x41b3de4355555553: "333333333.3333332", 0x41b3de4355555554: "333333333.33333325", 0x41b3de4355555555: "333333333.3333333",
		0x41b3de4355555556: "333333333.3333334", 0x41b3de4355555557: "333333333.33333343",
		0xbecbf647612f3696: "-0.0000033333333333333333", 0x43143ff3c1cb0959: "1424953923781206.2",
	} {
		text := strconv.FormatFloat(math.Float64frombits(bits), 'e', -1, 64)
		if got, err := jcs.Canonical([]byte(text)); err != nil || string(got) != want {
			t.Errorf("%x became %s (%v), and not %s", bits, got, err, want)
		}
	}
}

func TestRefused(t *testing.T) {
	for text, want := range map[string]error{
		`{"a":1,"a":2}`: jcs.ErrDuplicate, `{"a":1,"\u0061":1}`: jcs.ErrDuplicate, `[{"b":{"c":0,"c":0}}]`: jcs.ErrDuplicate,
		`"\ud800"`: jcs.ErrUnicode, `"\udc00\ud800"`: jcs.ErrUnicode, `"\ud800x"`: jcs.ErrUnicode, `"\ud800\ud800\udc00"`: jcs.ErrUnicode,
		"\"\xff\"": jcs.ErrUnicode, `{"\ud83d":1}`: jcs.ErrUnicode,
		"": jcs.ErrNotJSON, "{} {}": jcs.ErrNotJSON, "01": jcs.ErrNotJSON, "[1,]": jcs.ErrNotJSON, "NaN": jcs.ErrNotJSON,
		"1e999": jcs.ErrNumber, "3.1415926535897932384": jcs.ErrNumber,
		strings.Repeat("[", 300) + strings.Repeat("]", 300): jcs.ErrDepth,
	} {
		if got, err := jcs.Canonical([]byte(text)); !errors.Is(err, want) {
			t.Errorf("%.40s became %s (%v), and not an error: %v", text, got, err, want)
		}
	}
}

// FuzzCanonical finds that a canonical text is the same value, is its own canonical form, and is the one form
// of all writings of the value.
func FuzzCanonical(f *testing.F) {
	for _, seed := range []string{`{"a":[1,2.50,-0,1e5],"b":"\u00e9\n😀"}`, `[[[]]]`, `{"a":1,"a":2}`, `"\ud83d\ude00"`, `1E-7`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		first, err := jcs.Canonical(text)
		if err != nil {
			return
		}
		again, err := jcs.Canonical(first)
		if err != nil || !bytes.Equal(first, again) {
			t.Fatalf("%s became %s (%v)", first, again, err)
		}
		var a, b any
		if json.Unmarshal(text, &a) != nil || json.Unmarshal(first, &b) != nil || !reflect.DeepEqual(a, b) {
			t.Fatalf("%s is %v, and %s is %v", text, a, first, b)
		}
		other, err := json.MarshalIndent(a, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		if third, err := jcs.Canonical(other); err != nil || !bytes.Equal(first, third) {
			t.Fatalf("%s became %s (%v)", other, third, err)
		}
	})
}
