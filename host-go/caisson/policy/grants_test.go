package policy_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caisson-dev/caisson/host-go/caisson/policy"
)

// TestCheckGrants finds that a plugin reaches no more than its rules grant, and that an error names both.
func TestCheckGrants(t *testing.T) {
	root := t.TempDir()
	at := func(parts ...string) string { return filepath.Join(append([]string{root}, parts...)...) }
	for _, folder := range []string{at("in", "deep"), at("in2"), at("out"), at("outside")} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	links := os.Symlink(at("outside"), at("in", "away")) == nil && os.Symlink(at("in"), at("alias")) == nil
	p, err := policy.New(policy.Rules{
		Version: 1,
		Servers: []policy.Source{{Name: "other", Origins: []string{"https://api.example.com"}}},
		Plugins: []policy.Source{
			{
				Name: "thumbs", Origins: []string{"https://api.example.com", "http://localhost:8080"}, Environment: []string{"A"},
				Folders: []policy.Folder{{Path: at("in"), Access: policy.AccessRead}, {Path: at("out"), Access: policy.AccessWrite}, {Path: at("none"), Access: policy.AccessWrite}},
			},
			{Name: "bare"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	origin := func(all ...string) policy.Grants { return policy.Grants{Origins: all} }
	variable := func(all ...string) policy.Grants { return policy.Grants{Environment: all} }
	read := func(path string) policy.Grants {
		return policy.Grants{Folders: []policy.Folder{{Path: path, Access: policy.AccessRead}}}
	}
	write := func(path string) policy.Grants {
		return policy.Grants{Folders: []policy.Folder{{Path: path, Access: policy.AccessWrite}}}
	}
	for _, test := range []struct {
		name   string
		wanted policy.Grants
		no     string // "" when it is granted
	}{
		{"thumbs", policy.Grants{}, ""},
		{"none", policy.Grants{}, ""},
		{"thumbs", origin("https://api.example.com", "HTTP://LocalHost:8080/"), ""},
		{"thumbs", origin("https://api.example.com:443"), ""},
		{"thumbs", origin("http://api.example.com"), "the origin http://api.example.com, which the policy does not grant: plugins.thumbs.origins has https://api.example.com, http://localhost:8080"},
		{"thumbs", origin("https://api.example.com:8443"), "plugins.thumbs.origins"},
		{"thumbs", origin("https://api.example.com.evil.example"), "plugins.thumbs.origins"},
		{"thumbs", origin("https://u@api.example.com"), "plugins.thumbs.origins"},
		{"thumbs", origin("https://api.example.com/path"), "plugins.thumbs.origins"},
		{"thumbs", origin("https://api.example.com", "%"), "the origin %,"},
		{"thumbs", variable("A"), ""},
		{"thumbs", variable("A", "B"), `the variable "B", which the policy does not grant: plugins.thumbs.environment has A`},
		{"thumbs", variable("a"), `the variable "a"`},
		{"thumbs", read(at("in")), ""},
		{"thumbs", read(at("in", "deep")), ""},
		{"thumbs", read(at("in", "deep", "..", "..", "in2")), "plugins.thumbs.folders has "},
		{"thumbs", read(at("in2")), "to read, which the policy does not grant: plugins.thumbs.folders has "},
		{"thumbs", read(root), "plugins.thumbs.folders has "},
		{"thumbs", write(at("in")), `to write, which the policy does not grant: plugins.thumbs.folders has `},
		{"thumbs", write(at("out")), ""},
		{"thumbs", read(at("out")), ""},
		{"thumbs", read(at("none")), "plugins.thumbs.folders has "},
		{"thumbs", policy.Grants{Folders: []policy.Folder{{Path: at("in")}}}, "plugins.thumbs.folders has "},
		{"bare", origin("https://api.example.com"), "the policy does not grant: it has no plugins.bare.origins"},
		{"bare", variable("A"), "it has no plugins.bare.environment"},
		{"bare", read(at("in")), "it has no plugins.bare.folders"},
		{"other", origin("https://api.example.com"), `the plugin "other" is to have the origin https://api.example.com, which the policy does not grant: it has no plugins.other`},
	} {
		err := p.CheckGrants(policy.Plugin, test.name, test.wanted)
		var no *policy.DeniedError
		switch {
		case test.no == "" && err != nil, test.no != "" && err == nil:
			t.Errorf("%s %v: %v", test.name, test.wanted, err)
		case err != nil && (!errors.As(err, &no) || no.Reason != policy.NotGranted || !strings.Contains(err.Error(), test.no)):
			t.Errorf("%s %v: %v", test.name, test.wanted, err)
		}
	}
	if !links {
		t.Skip("links cannot be made here")
	}
	if err := p.CheckGrants(policy.Plugin, "thumbs", read(at("in", "away"))); err == nil {
		t.Error("a link leads out of the folder")
	}
	if err := p.CheckGrants(policy.Plugin, "thumbs", read(at("alias", "deep"))); err != nil {
		t.Error(err)
	}
}
