package runs

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"

	"google.golang.org/protobuf/proto"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
)

// maxName bounds the name of a run, in bytes.
const maxName = 256

// id is that of the run: one of its own, or of its key, so that the same key is the same run on all daemons.
func (s *Submission) id() string {
	if s.Key == "" {
		return rand.Text()
	}
	sum := sha256.New()
	sum.Write([]byte("caisson run 1\x00" + s.Principal + "\x00" + s.Key))
	return base32.StdEncoding.EncodeToString(sum.Sum(nil))[:26]
}

// name is the name of the run.
func (s *Submission) name() string {
	if len(s.Name) <= maxName {
		return s.Name
	}
	cut := 0
	for at := range s.Name { // Between two characters.
		if at > maxName {
			break
		}
		cut = at
	}
	return s.Name[:cut]
}

// body is the script as bytes, and the hash of all that the run is.
func (s *Submission) body() ([]byte, string, error) {
	whole := &caissonv1.SubmitRunRequest{Script: s.Script, Repeatable: s.Repeatable}
	text, err := proto.MarshalOptions{Deterministic: true}.Marshal(whole)
	if err != nil {
		return nil, "", err
	}
	sum := sha256.Sum256(text)
	return text, hex.EncodeToString(sum[:]), nil
}
