package policy

import (
	"fmt"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
)

// Grants are what a plugin is to reach outside of its sandbox.
type Grants struct {
	// Origins are those that its requests may go to, such as https://api.example.com.
	Origins []string
	// Environment has the names of its variables.
	Environment []string
	// Folders are folders of this machine.
	Folders []Folder
}

// CheckGrants finds whether the rules for a plugin of this name, or for a source of another kind, grant all
// of what it is to reach. Without rules for the name, and without their key origins, environment or folders,
// nothing is granted.
//
// A folder is granted with all that is in it, and to write includes to read. Links in both paths are followed
// first, so that CheckGrants reads the file system; a folder that is not there is not granted. The paths are
// looked up once: whoever may replace a part of them afterwards can lead them elsewhere.
//
// The error is a [*DeniedError] with the reason [NotGranted]. It names what is wanted, and the key that does
// not grant it.
func (p *Policy) CheckGrants(kind SourceKind, name string, wanted Grants) error {
	kind = orServer(kind)
	rules, key := p.Source(kind, name)
	no := func(what, member string, granted []string) error {
		message := fmt.Sprintf("the %s %q is to have %s, which the policy does not grant: ", kind, name, what)
		switch {
		case rules == nil:
			message += fmt.Sprintf("it has no %ss.%s", kind, QuoteKey(name))
		case len(granted) == 0:
			message += fmt.Sprintf("it has no %s.%s", key, member)
		default:
			message += fmt.Sprintf("%s.%s has %s", key, member, strings.Join(granted, ", "))
		}
		return Denied(NotGranted, message, nil)
	}
	var granted Source
	if rules != nil {
		granted = *rules
	}
	for _, origin := range wanted.Origins {
		same := func(other string) bool { return canonicalOrigin(other) == canonicalOrigin(origin) }
		if !slices.ContainsFunc(granted.Origins, same) {
			return no("the origin "+origin, "origins", granted.Origins)
		}
	}
	for _, variable := range wanted.Environment {
		if !slices.Contains(granted.Environment, variable) {
			return no(fmt.Sprintf("the variable %q", variable), "environment", granted.Environment)
		}
	}
	for _, folder := range wanted.Folders {
		if !slices.ContainsFunc(granted.Folders, folder.within) {
			var all []string
			for _, f := range granted.Folders {
				all = append(all, f.String())
			}
			return no("the folder "+folder.String(), "folders", all)
		}
	}
	return nil
}

// String returns the path, and what may be done in it.
func (f Folder) String() string { return fmt.Sprintf("%q to %s", f.Path, f.Access) }

// within reports whether another folder is this one or has it in it, and allows as much.
func (f Folder) within(other Folder) bool {
	if f.Access != AccessRead && other.Access != AccessWrite {
		return false
	}
	inner, err := realPath(f.Path)
	if err != nil {
		return false
	}
	outer, err := realPath(other.Path)
	if err != nil {
		return false
	}
	way, err := filepath.Rel(outer, inner)
	return err == nil && filepath.IsLocal(way)
}

func realPath(path string) (string, error) {
	whole, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(whole)
}

// canonicalOrigin spells origins that are the same in the same way. A text that is no origin stays as it is.
func canonicalOrigin(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return text
	}
	host, port := strings.ToLower(u.Hostname()), u.Port()
	if ip, err := netip.ParseAddr(host); err == nil {
		host = ip.String()
	}
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Scheme + "://[" + host + "]:" + port
}
