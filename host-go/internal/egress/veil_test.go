package egress

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"
)

// TestVeil hides secrets in every spelling, and leaves the rest as it is.
func TestVeil(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{"plain-and-simple-secret", "with~odd+chars/and=signs&<more>", `quoted "and" \escaped`, "a-secret-of-ünïcödé"} {
		inJSON, _ := json.Marshal(secret)
		std, web := base64.StdEncoding, base64.RawURLEncoding
		spelled := map[string]string{
			"plain": secret, "query": url.QueryEscape(secret), "path": url.PathEscape(secret), "small": lowerHex(url.QueryEscape(secret)),
			"json": string(inJSON), "base64": std.EncodeToString([]byte(secret)), "base64 for URLs": web.EncodeToString([]byte(secret)),
			"basic": std.EncodeToString([]byte("client:" + secret)), "basic, longer": std.EncodeToString([]byte("client1:" + secret)),
			"basic, escaped": std.EncodeToString([]byte("id:" + url.QueryEscape(secret))), "in a query": url.QueryEscape(std.EncodeToString([]byte("x" + secret))),
		}
		veil := NewVeil([]string{"short", secret, secret + "-and-more"})
		for how, text := range spelled {
			hidden := veil.Hide("before " + text + " after")
			// What is around a secret in base64 has a share in its first and last character.
			if rest := len(hidden) - len("before  after"); rest > len("client1:")*2+16 || !strings.HasPrefix(hidden, "before ") || !strings.HasSuffix(hidden, " after") {
				t.Errorf("%s: %q", how, hidden)
			}
		}
		// In pieces, however they are cut.
		text := strings.Repeat("some words, ", 700) + secret + " and " + spelled["base64"] + strings.Repeat(" more words", 700)
		want := veil.Hide(text)
		for name, r := range map[string]io.Reader{
			"whole": strings.NewReader(text), "bytes": iotest.OneByteReader(strings.NewReader(text)), "halves": iotest.HalfReader(strings.NewReader(text)),
			"end with data": iotest.DataErrReader(strings.NewReader(text)),
		} {
			got, err := io.ReadAll(veil.body(io.NopCloser(r)))
			if err != nil || string(got) != want {
				t.Errorf("%s: %d bytes, %v, want %d", name, len(got), err, len(want))
			}
		}
	}
	veil := NewVeil([]string{"short", "", "the-secret"})
	for _, text := range []string{"", "short", "nothing to hide", "the-secre", strings.Repeat("x", 1<<16)} {
		if got := veil.Hide(text); got != text {
			t.Errorf("%q becomes %q", text, got)
		}
	}
	broken := fmt.Errorf("it broke")
	if got, err := io.ReadAll(veil.body(io.NopCloser(io.MultiReader(strings.NewReader("words the-sec"), iotest.ErrReader(broken))))); string(got) != "words the-sec" || err != broken { //nolint:errorlint // It is given on.
		t.Errorf("a body that breaks off gives %q, %v", got, err)
	}
}
