package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	skillURI      = "skill://pdf/SKILL.md"
	skillMarkdown = "---\nname: pdf\ndescription: Fills \"forms\".\n---\nRead \u001b[31mthem.\n"
)

// skillServer serves a skill whose SKILL.md and picture have this content, and an invalid entry.
func skillServer(t *testing.T, markdown, picture string) string {
	t.Helper()
	entry := func(uri, content string) string {
		return fmt.Sprintf(`{"uri":%q,"digest":"sha256:%x","size":%d}`, uri, sha256.Sum256([]byte(content)), len(content))
	}
	skill := fmt.Sprintf(`{"uri":%q,"frontmatter":{"name":"pdf","description":"Fills \"forms\"."},"resources":[%s,%s],"new":1.0}`,
		skillURI, entry(skillURI, skillMarkdown), entry("skill://pdf/a.png", "png"))
	text, _ := json.Marshal(markdown)
	return cannedServer(t, map[string]string{
		"initialize":  `{"protocolVersion":"2025-11-25","capabilities":{"resources":{},"extensions":{"io.modelcontextprotocol/skills":{}}},"serverInfo":{"name":"s","version":"1"}}`,
		"skills/list": `{"skills":[` + skill + `,{"uri":"skill://none/SKILL.md"}]}`,
		"skills/get":  `{"skill":` + skill + `}`,
		"resources/read": fmt.Sprintf(`{"contents":[{"uri":%q,"text":%s},{"uri":"skill://pdf/a.png","mimeType":"image/png","blob":%q}]}`,
			skillURI, text, picture),
	})
}

// TestSkills lists skills, gets one, and reads its files.
func TestSkills(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	server := skillServer(t, skillMarkdown, "cG5n")
	sum := len(skillMarkdown)
	for _, test := range []struct {
		words []string
		want  string
	}{
		{[]string{"list-skills", server}, fmt.Sprintf("skill://pdf/SKILL.md  pdf, 2 files, %d bytes\n                      Fills \"forms\".\n", sum+3)},
		{[]string{"get-skill", server, skillURI}, fmt.Sprintf("pdf, 2 files, %d bytes\nFills \"forms\".\nskill://pdf/SKILL.md, %d bytes\nskill://pdf/a.png, 3 bytes\n", sum+3, sum)},
		{[]string{"read-skill", server, skillURI}, skillMarkdown},
		{[]string{"read-skill", server, skillURI, "a.png"}, "[skill://pdf/a.png, image/png, 3 bytes]\n"},
		{[]string{"read-skill", server, skillURI, "a.png", "--json"}, `{"blob":"cG5n","mimeType":"image/png","uri":"skill://pdf/a.png","verified":true}` + "\n"},
	} {
		o := caissonRun(t, test.words...)
		o.expect(t, exitOK)
		if diff := cmp.Diff(test.want, o.out); diff != "" {
			t.Errorf("%v (-want +got):\n%s", test.words, diff)
		}
	}
	for _, command := range []string{"list-skills", "get-skill"} {
		words := []string{command, "--json", server}
		if command == "get-skill" {
			words = append(words, skillURI)
		}
		o := caissonRun(t, words...)
		o.expect(t, exitOK)
		var whole map[string]any
		if err := json.Unmarshal([]byte(o.out), &whole); err != nil {
			t.Errorf("%s: %v in %s", command, err, o.out)
		}
		if list, ok := whole["skills"].([]any); command == "list-skills" && (!ok || len(list) != 2) {
			t.Errorf("the server's own list is %s", o.out)
		}
	}
}

// TestSkillIsNotPrinted has a server send files that differ from its entry.
func TestSkillIsNotPrinted(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	server := skillServer(t, skillMarkdown+"more", "eHh4")
	for path, want := range map[string]string{"SKILL.md": "the skill entry lists", "a.png": "has digest", "b.png": "is not a file of the skill"} {
		o := caissonRun(t, "read-skill", server, skillURI, path)
		o.expect(t, exitFailure, want)
		if o.out != "" {
			t.Errorf("%s: it prints %q", path, o.out)
		}
	}
	caissonRun(t, "read-skill", server).expect(t, exitUsage, "no URI")
	caissonRun(t, "read-skill", server, skillURI, "a", "b").expect(t, exitUsage, "too many")
}
