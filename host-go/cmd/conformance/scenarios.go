//lint:file-ignore SA1019 The newest revision deprecates roots and sampling; servers go on asking for them.

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// A scenario is what the client does in one of the suite's scenarios.
type scenario struct {
	handlers caisson.Handlers
	run      func(context.Context, *caisson.Session) error
}

// scenarios are the ones that need more than a call of a tool.
var scenarios = map[string]scenario{
	"initialize": {run: func(ctx context.Context, s *caisson.Session) error {
		_, err := listTools(ctx, s)
		return err
	}},
	"tools_call": {run: callListed("add_numbers", map[string]any{"a": 5, "b": 3})},
	"elicitation-sep1034-client-defaults": {
		handlers: caisson.Handlers{ElicitationHandler: accept(map[string]any{})},
		run:      callListed("test_client_elicitation_defaults", nil),
	},
	"sse-retry": {run: callListed("test_reconnection", nil)},
	"request-metadata": {
		handlers: caisson.Handlers{
			CreateMessageHandler: func(context.Context, *caisson.Request[*mcp.CreateMessageParams]) (*mcp.CreateMessageResult, error) {
				return nil, fmt.Errorf("there is no model")
			},
			ElicitationHandler: accept(map[string]any{}),
			ListRootsHandler: func(context.Context, *caisson.Request[*mcp.ListRootsParams]) (*mcp.ListRootsResult, error) {
				return &mcp.ListRootsResult{Roots: []*mcp.Root{}}, nil
			},
		},
		run: func(ctx context.Context, s *caisson.Session) error {
			_, err := listTools(ctx, s)
			return err
		},
	},
	"sep-2322-client-request-state": {
		handlers: caisson.Handlers{ElicitationHandler: accept(map[string]any{"confirmed": true})},
		run:      callRounds,
	},
	"http-standard-headers":            {run: callEveryKind},
	"http-custom-headers":              {run: callAsTold},
	"http-invalid-tool-headers":        {run: callAllListed},
	"json-schema-ref-no-deref":         {run: func(ctx context.Context, s *caisson.Session) error { _, err := listTools(ctx, s); return err }},
	"json-schema-2020-12-preservation": {run: echoSchema},

	"sep-2640-client-no-prefetch": {run: func(ctx context.Context, s *caisson.Session) error {
		_, err := listSkills(ctx, s)
		return err
	}},
	"sep-2640-client-verify-digest":      {run: loadSkills(caisson.SkillDigest)},
	"sep-2640-client-verify-size":        {run: loadSkills(caisson.SkillSize)},
	"sep-2640-client-verify-frontmatter": {run: loadSkills(caisson.SkillFrontmatter)},
}

// accept returns a handler that accepts every form with this content.
func accept(content map[string]any) func(context.Context, *caisson.Request[*mcp.ElicitParams]) (*mcp.ElicitResult, error) {
	return func(context.Context, *caisson.Request[*mcp.ElicitParams]) (*mcp.ElicitResult, error) {
		return &mcp.ElicitResult{Action: "accept", Content: content}, nil
	}
}

// callListed lists the tools and calls one of them.
func callListed(name string, arguments any) func(context.Context, *caisson.Session) error {
	return func(ctx context.Context, s *caisson.Session) error {
		if _, err := findTool(ctx, s, name); err != nil {
			return err
		}
		return call(ctx, s, name, arguments)
	}
}

func findTool(ctx context.Context, s *caisson.Session, name string) (*mcp.Tool, error) {
	tools, err := listTools(ctx, s)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(tools, func(t *mcp.Tool) bool { return t.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("there is no tool %s", name)
	}
	return tools[i], nil
}

// callTestTool is what the scenarios about authorization want done.
func callTestTool(ctx context.Context, s *caisson.Session) error {
	if _, err := listTools(ctx, s); err != nil {
		return err
	}
	return call(ctx, s, "test-tool", nil)
}

// callRounds calls tools whose answers ask for input.
func callRounds(ctx context.Context, s *caisson.Session) error {
	for _, name := range []string{"test_mrtr_echo_state", "test_mrtr_no_state", "test_mrtr_unrelated", "test_mrtr_no_result_type"} {
		if err := call(ctx, s, name, nil); err != nil {
			return err
		}
	}
	return nil
}

// callEveryKind sends each request that has a header of its own.
func callEveryKind(ctx context.Context, s *caisson.Session) error {
	tools, err := listTools(ctx, s)
	if err != nil {
		return err
	}
	for _, tool := range tools {
		if err := call(ctx, s, tool.Name, nil); err != nil {
			return err
		}
	}
	for resource, err := range s.Resources(ctx, nil) {
		if err != nil {
			return err
		}
		if _, err := s.ReadResource(ctx, &mcp.ReadResourceParams{URI: resource.URI}); err != nil {
			return err
		}
	}
	for prompt, err := range s.Prompts(ctx, nil) {
		if err != nil {
			return err
		}
		if _, err := s.GetPrompt(ctx, &mcp.GetPromptParams{Name: prompt.Name}); err != nil {
			return err
		}
	}
	return nil
}

// callAsTold makes the calls that the scenario names.
func callAsTold(ctx context.Context, s *caisson.Session) error {
	scenario, err := readContext()
	if err != nil {
		return err
	}
	if _, err := listTools(ctx, s); err != nil {
		return err
	}
	for _, c := range scenario.ToolCalls {
		if err := call(ctx, s, c.Name, c.Arguments); err != nil {
			return err
		}
	}
	return nil
}

// callAllListed calls every tool that the session lists.
func callAllListed(ctx context.Context, s *caisson.Session) error {
	tools, err := listTools(ctx, s)
	if err != nil {
		return err
	}
	for _, tool := range tools {
		if err := call(ctx, s, tool.Name, map[string]any{"region": "us-west1"}); err != nil {
			return err
		}
	}
	return nil
}

func listSkills(ctx context.Context, s *caisson.Session) ([]*caisson.Skill, error) {
	var skills []*caisson.Skill
	for skill, err := range s.Skills(ctx, nil) {
		if err != nil {
			return nil, err
		}
		skills = append(skills, skill)
	}
	return skills, nil
}

// loadSkills loads each skill: its SKILL.md, and when that is what its entry says, its other files. The
// suite's server spoils the SKILL.md in one way.
func loadSkills(spoiled caisson.SkillReason) func(context.Context, *caisson.Session) error {
	return func(ctx context.Context, s *caisson.Session) error {
		skills, err := listSkills(ctx, s)
		if err != nil {
			return err
		}
		for _, skill := range skills {
			err := loadSkill(ctx, s, skill)
			var wrong *caisson.SkillError
			if !errors.As(err, &wrong) || wrong.Reason != spoiled {
				return fmt.Errorf("%s: want a failure by its %s, got %w", skill.URI, spoiled, err)
			}
		}
		return nil
	}
}

func loadSkill(ctx context.Context, s *caisson.Session, skill *caisson.Skill) error {
	if _, err := s.ReadSkill(ctx, &caisson.ReadSkillParams{Skill: skill}); err != nil {
		return err
	}
	for _, resource := range skill.Resources {
		if _, err := s.ReadSkill(ctx, &caisson.ReadSkillParams{Skill: skill, Path: resource.URI}); err != nil {
			return err
		}
	}
	return nil
}

// echoSchema returns a tool's schema back as it came.
func echoSchema(ctx context.Context, s *caisson.Session) error {
	tool, err := findTool(ctx, s, "json_schema_2020_12_tool")
	if err != nil {
		return err
	}
	return call(ctx, s, "json_schema_echo", map[string]any{"schema": tool.InputSchema})
}
