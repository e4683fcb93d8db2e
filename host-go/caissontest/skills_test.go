package caissontest_test

import (
	"crypto/sha256"
	"fmt"
	"testing"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caissontest"
)

// TestSkills serves a skill. Its handlers declare the extension, and the client verifies what they answer.
func TestSkills(t *testing.T) {
	const uri, text = "skill://pdf/SKILL.md", "---\nname: pdf\ndescription: Reads PDFs.\n---\nOpen the file.\n"
	for _, revision := range []string{"2025-11-25", "2026-07-28"} {
		t.Run(revision, func(t *testing.T) {
			t.Parallel()
			server := caissontest.NewServer(t, revision)
			entry := map[string]any{
				"uri":         uri,
				"frontmatter": map[string]any{"name": "pdf", "description": "Reads PDFs."},
				"resources":   []any{map[string]any{"uri": uri, "digest": fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(text))), "size": len(text)}},
			}
			server.Handle("skills/list", func(*caissontest.Call) (any, error) { return map[string]any{"skills": []any{entry}}, nil })
			server.Handle("resources/read", func(*caissontest.Call) (any, error) {
				return map[string]any{"contents": []any{map[string]any{"uri": uri, "text": text}}}, nil
			})
			session := connect(t, newClient(t, caisson.ClientOptions{}), server)
			skills, err := session.ListSkills(t.Context(), nil)
			if err != nil || len(skills.Skills) != 1 {
				t.Fatalf("the skills are %+v, %v", skills, err)
			}
			file, err := session.ReadSkill(t.Context(), &caisson.ReadSkillParams{Skill: skills.Skills[0]})
			if err != nil || !file.Verified || file.Body != "Open the file.\n" {
				t.Errorf("the file is %+v, %v", file, err)
			}
			other := connect(t, newClient(t, caisson.ClientOptions{}), caissontest.NewServer(t, revision))
			if skills, err := other.ListSkills(t.Context(), nil); err != nil || len(skills.Skills) != 0 {
				t.Errorf("a server without handlers has the skills %+v, %v", skills, err)
			}
		})
	}
}
