package exact_test

import (
	"strings"
	"testing"

	"github.com/caisson-dev/caisson/host-go/internal/exact"
)

// TestUnmarshalFitting decodes integers in other forms of numbers, and leaves out other values.
func TestUnmarshalFitting(t *testing.T) {
	type link struct {
		Name string `json:"name"`
		Size *int64 `json:"size"`
	}
	type result struct {
		ResultType string `json:"resultType"`
		TTL        int    `json:"ttlMs"`
		Links      []link `json:"links"`
		Structured any    `json:"structuredContent"`
	}
	for size, want := range map[string]int64{
		"5": 5, "5.0": 5, "5e0": 5, "1e3": 1000, "9223372036854775807": 9223372036854775807,
		"1.5": -1, "1e300": -1, "1e999": -1, "9223372036854775808": -1, `"5"`: -1, "[]": -1, "{}": -1, "true": -1, "null": -1,
	} {
		var got result
		err := exact.Unmarshal([]byte(`{"resultType":7,"ttlMs":1.5,"links":[{"name":"a","size":`+size+`},{"name":"b","size":2.0}],"structuredContent":{"size":1.5}}`), &got)
		if err != nil || len(got.Links) != 2 {
			t.Errorf("%s: %+v, %v", size, got, err)
			continue
		}
		if first := got.Links[0]; first.Name != "a" || (want < 0) != (first.Size == nil) || want >= 0 && *first.Size != want {
			t.Errorf("%s: the link is %+v", size, first)
		}
		if second := got.Links[1]; second.Size == nil || *second.Size != 2 {
			t.Errorf("%s: the other link is %+v", size, second)
		}
		if own, _ := got.Structured.(map[string]any); got.ResultType != "" || got.TTL != 0 || own["size"] != 1.5 {
			t.Errorf("%s: the result is %+v", size, got)
		}
	}
}

// TestUnmarshalFittingKeepsErrors checks that an error describes what the server has sent, and that nothing
// is decoded.
func TestUnmarshalFittingKeepsErrors(t *testing.T) {
	var got struct {
		Name string `json:"name"`
		Size int    `json:"size"`
	}
	err := exact.Unmarshal([]byte(`{"size":1.5,"name":5}`), &got)
	if err == nil || !strings.Contains(err.Error(), ".size") {
		t.Errorf("the error is %v", err)
	}
}
