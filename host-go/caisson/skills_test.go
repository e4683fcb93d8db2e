package caisson_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

const (
	skillURI      = "skill://pdf/SKILL.md"
	formsURI      = "skill://pdf/references/FORMS.md"
	pictureURI    = "skill://pdf/logo.png"
	skillMarkdown = "---\nname: pdf\ndescription: Fills forms.\nversion: 1.5\n---\nRead the forms.\n"
)

// A skillServer serves one skill, and what a test makes of it.
type skillServer struct {
	*scripted
	files   map[string][]byte // what is read
	entries []any             // what is listed; nil: the skill
	reads   int
}

// fileEntry is what a skill's entry has of a file.
func fileEntry(uri string, content []byte) map[string]any {
	sum := sha256.Sum256(content)
	return map[string]any{"uri": uri, "digest": "sha256:" + hex.EncodeToString(sum[:]), "size": len(content)}
}

func skillFiles() map[string][]byte {
	return map[string][]byte{
		skillURI:   []byte(skillMarkdown),
		formsURI:   []byte("The forms, é 😀.\n"),
		pictureURI: {0, 255, 1, 254},
	}
}

// skillEntry is the entry of the skill whose files are these.
func skillEntry(files map[string][]byte) map[string]any {
	return map[string]any{
		"uri":         skillURI,
		"frontmatter": map[string]any{"name": "pdf", "description": "Fills forms.", "version": 1.5},
		"resources":   []any{fileEntry(skillURI, files[skillURI]), fileEntry(formsURI, files[formsURI]), fileEntry(pictureURI, files[pictureURI])},
	}
}

func newSkillServer(revision string) *skillServer {
	s := &skillServer{files: skillFiles()}
	s.scripted = &scripted{
		revision:   revision,
		extensions: map[string]any{"io.modelcontextprotocol/skills": map[string]any{"directoryRead": true}},
		answer:     s.result,
	}
	return s
}

func (s *skillServer) result(method string, params map[string]any) any {
	s.mu.Lock()
	defer s.mu.Unlock()
	uri, _ := params["uri"].(string)
	result := map[string]any{"ttlMs": 0, "cacheScope": "private"}
	switch method {
	case "skills/list":
		entries := s.entries
		if entries == nil {
			entries = []any{skillEntry(skillFiles())}
		}
		// One entry a page.
		at := 0
		if cursor, ok := params["cursor"].(string); ok {
			at = len(cursor)
		}
		result["skills"] = entries[at : at+1]
		if at+1 < len(entries) {
			result["nextCursor"] = strings.Repeat("x", at+1)
		}
	case "skills/get":
		result["skill"] = skillEntry(skillFiles())
	case "resources/read":
		s.reads++
		content := map[string]any{"uri": uri, "text": string(s.files[uri])}
		if uri == pictureURI {
			content = map[string]any{"uri": uri, "mimeType": "image/png", "blob": base64.StdEncoding.EncodeToString(s.files[uri])}
		}
		result["contents"] = []any{content}
	case "resources/directory/read":
		result["resources"] = []any{map[string]any{"uri": formsURI, "name": "FORMS.md"}}
	}
	return result
}

// serve changes what is served.
func (s *skillServer) serve(files map[string][]byte, entries ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files, s.entries, s.reads = files, entries, 0
}

// asked is how many files were read.
func (s *skillServer) asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads
}

// eras runs a test in the two eras of the protocol.
func eras(t *testing.T, run func(t *testing.T, server *skillServer, s *caisson.Session)) {
	t.Helper()
	t.Parallel()
	for _, revision := range []string{"2025-11-25", "2026-07-28"} {
		t.Run(revision, func(t *testing.T) {
			t.Parallel()
			server := newSkillServer(revision)
			run(t, server, connect(t, sharedRuntime(t), serveScripted(t, server.scripted)))
		})
	}
}

// TestSkills lists a skill, gets it, and reads its files.
func TestSkills(t *testing.T) {
	eras(t, func(t *testing.T, server *skillServer, s *caisson.Session) {
		ctx := testContext(t)
		var listed []*caisson.Skill
		for skill, err := range s.Skills(ctx, nil) {
			if err != nil {
				t.Fatal(err)
			}
			listed = append(listed, skill)
		}
		if len(listed) != 1 || listed[0].Name() != "pdf" || listed[0].Description() != "Fills forms." {
			t.Fatalf("it lists %+v", listed)
		}
		text, err := json.Marshal(listed[0])
		if err != nil {
			t.Fatal(err)
		}
		want, _ := json.Marshal(skillEntry(skillFiles()))
		if diff := cmp.Diff(decodeJSON(t, want), decodeJSON(t, text)); diff != "" {
			t.Errorf("the entry as JSON (-want +got):\n%s", diff)
		}
		got, err := s.GetSkill(ctx, &caisson.GetSkillParams{URI: skillURI})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(listed[0], got); diff != "" {
			t.Errorf("the entry that is got (-listed +got):\n%s", diff)
		}
		if n := server.asked(); n != 0 {
			t.Errorf("%d files were read before any was asked for", n)
		}
		for path, uri := range map[string]string{"": skillURI, "references/FORMS.md": formsURI, "logo.png": pictureURI, formsURI: formsURI} {
			file, err := s.ReadSkill(ctx, &caisson.ReadSkillParams{Skill: got, Path: path})
			if err != nil {
				t.Errorf("%q: %v", path, err)
				continue
			}
			if !bytes.Equal(file.Bytes, skillFiles()[uri]) || file.URI != uri || !file.Verified || file.IsText != (uri != pictureURI) {
				t.Errorf("%q is %+v", path, file)
			}
			if path == "" && (file.Body != "Read the forms.\n" || file.Frontmatter["version"] != 1.5) {
				t.Errorf("the SKILL.md is %+v", file)
			}
		}
		for resource, err := range s.SkillDirectory(ctx, &caisson.ReadSkillDirectoryParams{URI: "skill://pdf/references"}) {
			if err != nil || resource.URI != formsURI {
				t.Errorf("the folder has %v, %v", resource, err)
			}
		}
	})
}

func decodeJSON(t *testing.T, text []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// TestSkillVerification has a server that gives other files than its entry says.
func TestSkillVerification(t *testing.T) {
	evil := []byte(strings.Replace(skillMarkdown, "Read", "Burn", 1))
	lying := []byte(strings.Replace(skillMarkdown, "Fills", "Steals", 1))
	eras(t, func(t *testing.T, server *skillServer, s *caisson.Session) {
		for name, test := range map[string]struct {
			served []byte
			path   string
			change func(*caisson.Skill)
			reason caisson.SkillReason
		}{
			"another digest":       {served: evil, reason: caisson.SkillDigest},
			"another size":         {served: append(slices.Clone(evil), '!'), reason: caisson.SkillSize},
			"no file of the skill": {path: "secret.md", reason: caisson.SkillUnlisted},
			"out of the skill":     {path: "../other/SKILL.md", reason: caisson.SkillUnlisted},
			"another frontmatter": {served: lying, reason: caisson.SkillFrontmatter, change: func(skill *caisson.Skill) {
				sum := sha256.Sum256(lying)
				skill.Resources[0].Digest, skill.Resources[0].Size = "sha256:"+hex.EncodeToString(sum[:]), int64(len(lying))
			}},
			"another frontmatter of a dynamic skill": {served: lying, reason: caisson.SkillFrontmatter, change: func(skill *caisson.Skill) {
				skill.Dynamic, skill.Resources = true, nil
			}},
		} {
			skill, err := s.GetSkill(testContext(t), &caisson.GetSkillParams{URI: skillURI})
			if err != nil {
				t.Fatal(err)
			}
			if test.change != nil {
				test.change(skill)
			}
			files := skillFiles()
			if test.served != nil {
				files[skillURI] = test.served
			}
			server.serve(files)
			file, err := s.ReadSkill(testContext(t), &caisson.ReadSkillParams{Skill: skill, Path: test.path})
			var wrong *caisson.SkillError
			if file != nil || caisson.CodeOf(err) != caisson.CodeProtocol || !errors.As(err, &wrong) || wrong.Reason != test.reason {
				t.Errorf("%s: it gives %+v, %v", name, file, err)
			}
			if sent := test.reason != caisson.SkillUnlisted; sent != (server.asked() == 1) {
				t.Errorf("%s: the server was asked %d times", name, server.asked())
			}
		}
		server.serve(skillFiles())
		dynamic := &caisson.Skill{URI: skillURI, Frontmatter: map[string]any{"name": "pdf", "description": "Fills forms.", "version": 1.5}, Dynamic: true}
		if file, err := s.ReadSkill(testContext(t), &caisson.ReadSkillParams{Skill: dynamic}); err != nil || file.Verified {
			t.Errorf("a dynamic skill gives %+v, %v", file, err)
		}
		for _, params := range []*caisson.ReadSkillParams{nil, {}, {Skill: &caisson.Skill{URI: skillURI}}} {
			_, err := s.ReadSkill(testContext(t), params)
			wantCode(t, err, caisson.CodeInvalidArgument)
		}
	})
}

// TestInvalidSkills has a server list what is no skill, and a skill twice.
func TestInvalidSkills(t *testing.T) {
	eras(t, func(t *testing.T, server *skillServer, s *caisson.Session) {
		valid := skillEntry(skillFiles())
		server.serve(skillFiles(), map[string]any{"uri": skillURI, "resources": []any{}}, valid)
		page, err := s.ListSkills(testContext(t), nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Skills) != 0 || len(page.Invalid) != 1 || page.Invalid[0].URI != skillURI || page.Invalid[0].Reason == "" || page.NextCursor != "x" {
			t.Errorf("the page is %+v", page)
		}
		names := func() (names []string, err error) {
			for skill, err := range s.Skills(testContext(t), nil) {
				if err != nil {
					return names, err
				}
				names = append(names, skill.Name())
			}
			return names, nil
		}
		if got, err := names(); err != nil || !slices.Equal(got, []string{"pdf"}) {
			t.Errorf("the skills are %v, %v", got, err)
		}
		server.serve(skillFiles(), valid, valid)
		got, err := names()
		if wantCode(t, err, caisson.CodeProtocol); !slices.Equal(got, []string{"pdf"}) {
			t.Errorf("before the second one it gives %v", got)
		}
	})
}

// TestSkillAsJSON reads entries as servers spell them, and writes them again.
func TestSkillAsJSON(t *testing.T) {
	t.Parallel()
	const entry = `{"uri":"skill://a/SKILL.md","frontmatter":{"name":"a"},"resources":%s}`
	for resources, dynamic := range map[string]bool{`"dynamic"`: true, ` "\u0064ynamic"`: true, `[]`: false} {
		var skill caisson.Skill
		if err := json.Unmarshal(fmt.Appendf(nil, entry, resources), &skill); err != nil || skill.Dynamic != dynamic || skill.Name() != "a" {
			t.Errorf("resources of %s give %+v, %v", resources, skill, err)
		}
		text, err := json.Marshal(skill)
		if err != nil {
			t.Error(err)
		}
		sameJSON(t, string(text), fmt.Sprintf(entry, resources))
	}
	for _, resources := range []string{`"Dynamic"`, `""`, `null`, `{}`, `5`} {
		var skill caisson.Skill
		if err := json.Unmarshal(fmt.Appendf(nil, entry, resources), &skill); err == nil {
			t.Errorf("resources of %s give %+v", resources, skill)
		}
	}
}

// TestNoSkills has a server without the extension.
func TestNoSkills(t *testing.T) {
	eras(t, func(t *testing.T, server *skillServer, _ *caisson.Session) {
		server.extensions = nil
		s := connect(t, sharedRuntime(t), serveScripted(t, server.scripted))
		page, err := s.ListSkills(testContext(t), nil)
		if err != nil || len(page.Skills) != 0 {
			t.Errorf("it lists %+v, %v", page, err)
		}
		_, err = s.GetSkill(testContext(t), &caisson.GetSkillParams{URI: skillURI})
		wantCode(t, err, caisson.CodeInvalidArgument)
		if n := len(server.of("skills/list")) + len(server.of("skills/get")); n != 0 {
			t.Errorf("the server was asked %d times", n)
		}
		raw, err := s.Request(testContext(t), "skills/list", nil)
		if err != nil || !strings.Contains(string(raw), skillURI) {
			t.Errorf("the request by its name gives %s, %v", raw, err)
		}
	})
}

// TestListLimitOfSkills bounds what iterators fetch.
func TestListLimitOfSkills(t *testing.T) {
	t.Parallel()
	server := newSkillServer("2026-07-28")
	server.entries = []any{skillEntry(skillFiles()), skillEntry(skillFiles()), skillEntry(skillFiles())}
	c := newClient(t, caisson.ClientOptions{Limits: caisson.Limits{MaxListItems: 1, MaxListPages: 5}})
	s := connect(t, c, serveScripted(t, server.scripted))
	var last error
	for _, err := range s.Skills(context.WithoutCancel(testContext(t)), nil) {
		last = err
	}
	wantCode(t, last, caisson.CodeLimit)
}
