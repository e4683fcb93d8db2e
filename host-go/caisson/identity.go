package caisson

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/url"
	"os"
	"path/filepath"

	"github.com/caisson-dev/caisson/host-go/caisson/pins"
	"github.com/caisson-dev/caisson/host-go/internal/egress"
)

// Identity says who a server is, for a lock file: its command with the hash of the file that would be started,
// or the origin of its URL. It starts nothing. It fails with [CodeInvalidArgument] for an invalid Server, and
// with [CodeConnect] for a command that is not there.
func (s *Server) Identity() (*pins.Identity, error) {
	_, u, wrong := s.check()
	if wrong != nil {
		return nil, wrong
	}
	identity, err := s.identity(u)
	if err != nil {
		return nil, &Error{Code: CodeConnect, Server: s.name(), Step: "connect", Message: err.Error(), Err: err}
	}
	return identity, nil
}

func (s *Server) identity(u *url.URL) (*pins.Identity, error) {
	if u != nil {
		return &pins.Identity{Origin: originOf(u)}, nil
	}
	if s.Command == "" {
		return &pins.Identity{}, nil
	}
	arguments, err := json.Marshal(s.Args)
	if err != nil {
		return nil, err
	}
	path, err := egress.LookPath(s.Command, s.environ())
	if err != nil {
		return nil, err
	}
	if !filepath.IsAbs(path) { // A relative path begins at the command's folder.
		path = filepath.Join(s.Dir, path)
	}
	file, err := hashFile(path)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(arguments)
	return &pins.Identity{Command: s.Command, ArgumentsHash: hex.EncodeToString(sum[:]), Files: []string{file}}, nil
}

func hashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
