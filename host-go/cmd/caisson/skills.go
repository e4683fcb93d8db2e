package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/jsontext"
	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/terminal"
)

func (a *app) listSkillsCommand() *cobra.Command {
	return a.listCommand(listing{
		noun: "skills", method: "skills/list", member: "skills",
		about: `their URIs, their names, the number of their files and their size, and
the first line of their descriptions. Entries that are not valid are left out.
'caisson read-skill' reads one.`,
		checked: listValidSkills,
		describe: func(item json.RawMessage) (string, []string) {
			var s caisson.Skill
			_ = json.Unmarshal(item, &s) // The core has checked it.
			return s.URI, []string{s.Name() + ", " + describeFiles(&s), firstLine(s.Description())}
		},
	})
}

// listValidSkills returns a list of the valid skills.
func listValidSkills(ctx context.Context, client *client) (json.RawMessage, error) {
	skills := []*caisson.Skill{}
	err := client.do(ctx, "skills/list", func(ctx context.Context) error {
		for skill, err := range client.session.Skills(ctx, nil) {
			if err != nil {
				return err
			}
			skills = append(skills, skill)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return jsontext.Marshal(map[string]any{"skills": skills})
}

// describeFiles says how many files a skill has, and their size.
func describeFiles(s *caisson.Skill) string {
	if s.Dynamic {
		return "files that change"
	}
	var bytes int64
	for _, resource := range s.Resources {
		bytes = min(bytes+resource.Size, 1<<53) // A server may send any size.
	}
	noun := "files"
	if len(s.Resources) == 1 {
		noun = "file"
	}
	return fmt.Sprintf("%d %s, %s", len(s.Resources), noun, size(int(bytes)))
}

func (a *app) getSkillCommand() *cobra.Command {
	var asJSON bool
	c := sessionCommand{
		name: "get-skill", operands: "URI",
		short: "Get the entry of a skill of a server",
		long: `Gets the entry of a skill by the URI of its SKILL.md, listed or not, and prints its name, its
description, and the URIs and sizes of its files. 'caisson list-skills' shows a server's skills.

With --json the result of skills/get is printed as the server sent it.`,
		example: `  caisson get-skill handbook skill://pdf-processing/SKILL.md
  caisson get-skill https://mcp.example.com/mcp skill://pdf-processing/SKILL.md --json`,
		begin: func(c *cobra.Command, operands []string) (action, error) {
			uri, err := oneOperand(c, operands, "URI")
			return action{use: func(ctx context.Context, client *client) error {
				if asJSON {
					result, err := client.request(ctx, "skills/get", map[string]any{"uri": uri})
					if err != nil {
						return err
					}
					return a.printf("%s\n", result)
				}
				skill, err := client.skill(ctx, uri)
				if err != nil {
					return err
				}
				return a.printSkill(skill)
			}}, err
		},
	}.command(a)
	jsonFlag(c, &asJSON)
	return c
}

// skill returns the entry of a skill.
func (c *client) skill(ctx context.Context, uri string) (skill *caisson.Skill, err error) {
	err = c.do(ctx, "skills/get", func(ctx context.Context) error {
		skill, err = c.session.GetSkill(ctx, &caisson.GetSkillParams{URI: uri})
		return err
	})
	return skill, err
}

func (a *app) printSkill(s *caisson.Skill) error {
	var b strings.Builder
	line := func(format string, args ...any) {
		b.WriteString(terminal.OneLine(fmt.Sprintf(format, args...), terminal.MaxLine) + "\n")
	}
	line("%s, %s", s.Name(), describeFiles(s))
	if description := strings.TrimSpace(s.Description()); description != "" {
		line("%s", description)
	}
	for _, resource := range s.Resources {
		line("%s, %s", resource.URI, size(int(resource.Size)))
	}
	return a.printf("%s", b.String())
}

func (a *app) readSkillCommand() *cobra.Command {
	var asJSON bool
	c := sessionCommand{
		name: "read-skill", operands: "URI [PATH]",
		short: "Read a file of a skill of a server, verified",
		long: `Reads a file of a skill and prints it: text as it is, and a line about a file that is not text. URI is
the URI of the skill's SKILL.md. PATH is a file of the skill, relative to the folder of the SKILL.md;
without PATH the command reads the SKILL.md.

The command first gets the skill's entry, and prints only a file that matches the entry: the entry must
list the file with its size and digest, and the SKILL.md must have the frontmatter of the entry.

With --json the file is printed as an object: uri, mimeType, text or blob (base64), verified, and for the
SKILL.md frontmatter and body.`,
		example: `  caisson read-skill handbook skill://pdf-processing/SKILL.md
  caisson read-skill handbook skill://pdf-processing/SKILL.md references/FORMS.md
  caisson read-skill handbook skill://pdf-processing/SKILL.md logo.png --json | jq -r .blob | base64 -d`,
		begin: func(c *cobra.Command, operands []string) (action, error) {
			var path string
			if len(operands) == 2 {
				operands, path = operands[:1], operands[1]
			}
			uri, err := oneOperand(c, operands, "URI")
			return action{use: func(ctx context.Context, client *client) error {
				skill, err := client.skill(ctx, uri)
				if err != nil {
					return err
				}
				var file *caisson.SkillFile
				err = client.do(ctx, "skills/read", func(ctx context.Context) error {
					file, err = client.session.ReadSkill(ctx, &caisson.ReadSkillParams{Skill: skill, Path: path})
					return err
				})
				if err != nil {
					return err
				}
				result, err := skillFileJSON(file)
				if err != nil {
					return err
				}
				return a.printResult(result, asJSON, func(json.RawMessage) string { return describeSkillFile(file) })
			}}, err
		},
	}.command(a)
	jsonFlag(c, &asJSON)
	return c
}

// describeSkillFile returns a file as text for people.
func describeSkillFile(f *caisson.SkillFile) string {
	if f.IsText {
		return strings.TrimSuffix(string(f.Bytes), "\n") + "\n"
	}
	facts := []string{f.URI}
	if f.MIMEType != "" {
		facts = append(facts, f.MIMEType)
	}
	facts = append(facts, size(len(f.Bytes)))
	return "[" + terminal.OneLine(strings.Join(facts, ", "), terminal.MaxLine) + "]\n"
}

func skillFileJSON(f *caisson.SkillFile) (json.RawMessage, error) {
	object := map[string]any{"uri": f.URI, "verified": f.Verified}
	if f.MIMEType != "" {
		object["mimeType"] = f.MIMEType
	}
	if f.IsText {
		object["text"] = string(f.Bytes)
	} else {
		object["blob"] = base64.StdEncoding.EncodeToString(f.Bytes)
	}
	if f.Frontmatter != nil {
		object["frontmatter"], object["body"] = f.Frontmatter, f.Body
	}
	return jsontext.Marshal(object)
}
