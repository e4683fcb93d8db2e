package exact_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/caisson-dev/caisson/host-go/internal/exact"
)

func TestUnmarshal(t *testing.T) {
	type inner struct {
		Name string `json:"name"`
	}
	var got struct {
		inner
		Items []inner         `json:"items"`
		Raw   json.RawMessage `json:"raw"`
	}
	text := []byte(`{"NAME":"x","name":"a","Name":"y","items":[{"name":"b","nAme":"z"}],"ITEMS":[],"Raw":1,"raw":{"Raw":2}}`)
	if err := exact.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	copy(text, strings.Repeat(" ", len(text))) // The decoded value has its own copy.
	if got.Name != "a" || len(got.Items) != 1 || got.Items[0].Name != "b" || string(got.Raw) != `{"Raw":2}` {
		t.Errorf("it decoded %+v", got)
	}
}

func TestUnmarshalRefuses(t *testing.T) {
	for _, text := range []string{"", "{", `{} {}`, `"x"`, strings.Repeat("[", 1_000_000) + strings.Repeat("]", 1_000_000)} {
		var got struct{ A any }
		if exact.Unmarshal([]byte(text), &got) == nil {
			t.Errorf("%.20q was decoded", text)
		}
	}
}

func TestUnmarshalTellsThePlace(t *testing.T) {
	var got struct {
		Name string `json:"name"`
	}
	err := exact.Unmarshal([]byte(`{"name":5,"other":"whatever a server writes"}`), &got)
	if err == nil || !strings.Contains(err.Error(), ".name") || strings.Contains(err.Error(), "whatever") {
		t.Errorf("the error is %v", err)
	}
}
