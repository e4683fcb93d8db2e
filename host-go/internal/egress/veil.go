package egress

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/url"
	"slices"
	"strings"
)

// A Veil hides secrets in texts, in whatever way they are written there.
type Veil struct {
	replacer *strings.Replacer
	longest  int // spelling, in bytes
}

// NewVeil makes a veil over the secrets. A text that is too short for one is left out.
func NewVeil(secrets []string) *Veil {
	var all []string
	for _, secret := range secrets {
		if len(secret) >= shortest {
			all = append(all, spellings(secret)...)
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	// Where one begins as another does, the longer one is meant.
	slices.SortStableFunc(all, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	v := &Veil{}
	pairs := make([]string, 0, 2*len(all))
	for _, spelling := range all {
		pairs = append(pairs, spelling, "***")
		v.longest = max(v.longest, len(spelling))
	}
	v.replacer = strings.NewReplacer(pairs...)
	return v
}

// Hide replaces the secrets in a text.
func (v *Veil) Hide(text string) string { return v.replacer.Replace(text) }

// header hides them in the values of fields.
func (v *Veil) header(fields [][2]string) {
	for i := range fields {
		fields[i][1] = v.Hide(fields[i][1])
	}
}

// body hides them in what comes in pieces.
func (v *Veil) body(from io.ReadCloser) io.ReadCloser { return &veiled{ReadCloser: from, veil: v} }

// veiled is a body under a veil.
type veiled struct {
	io.ReadCloser
	veil  *Veil
	text  string // what was read and not given: its end may be the beginning of a secret
	ready int    // how much of it can be given
	err   error
}

// Read implements [io.Reader].
func (b *veiled) Read(p []byte) (int, error) {
	var piece [4 << 10]byte
	for b.ready == 0 && b.err == nil {
		n, err := b.ReadCloser.Read(piece[:])
		b.text, b.err = b.veil.Hide(b.text+string(piece[:n])), err
		b.ready = max(0, len(b.text)-b.veil.longest)
		if err != nil {
			b.ready = len(b.text)
		}
	}
	n := copy(p, b.text[:b.ready])
	b.text, b.ready = b.text[n:], b.ready-n
	if n == 0 && b.ready == 0 {
		return 0, b.err
	}
	return n, nil
}

// spellings are the ways in which a secret is written: as it is, in URLs and forms, in JSON, and in base64,
// alone or behind other bytes, as a client's secret is behind its name.
func spellings(secret string) []string {
	form := url.QueryEscape(secret)
	escaped := []string{form, strings.ReplaceAll(form, "~", "%7E"), strings.ReplaceAll(form, "+", "%20"), url.PathEscape(secret)}
	all := []string{secret}
	for _, text := range escaped {
		all = append(all, text, lowerHex(text))
	}
	inJSON, _ := json.Marshal(secret) // A text always marshals.
	all = append(all, string(inJSON[1:len(inJSON)-1]), strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(secret))
	all = append(all, inBase64(secret)...)
	if form != secret {
		all = append(all, inBase64(form)...)
	}
	return all
}

// lowerHex writes the percent-encoding of a text with small letters.
func lowerHex(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+3 <= len(text) {
			b.WriteString(strings.ToLower(text[i : i+3]))
			i += 2
			continue
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// inBase64 are the characters that a text has in base64 whatever is around it: behind 0, 1 or 2 bytes, and
// without the last one, which the next byte has a share in.
func inBase64(text string) []string {
	var all []string
	for behind, first := range []int{0, 2, 3} {
		whole := (behind + len(text)) * 8 / 6
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			encoded := encoding.EncodeToString([]byte("\x00\x00"[:behind] + text))
			if encoded = encoded[first:whole]; len(encoded) >= shortest {
				all = append(all, encoded, url.QueryEscape(encoded))
			}
		}
	}
	return all
}
