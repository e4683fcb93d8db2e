package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/terminal"
)

func (a *app) startTaskCommand() *cobra.Command {
	var args string
	var asJSON bool
	var ttl time.Duration
	c := sessionCommand{
		name: "start-task", operands: "TOOL [NAME=VALUE]...",
		short: "Call a tool of a server as a task, without waiting for the task",
		long: `Calls a tool as 'caisson call-tool' does, and prints the id of the task that the server makes of
the call. When the server returns the tool's result at once, the command prints the result.
'caisson wait-task' waits for the result. Most servers that are commands forget their tasks when
they end.

With --json the server's answer is printed as the server sent it.`,
		example: `  caisson start-task builds build ref=main
  caisson wait-task builds "$(caisson start-task builds build ref=main --ttl 1h)"`,
		begin: func(c *cobra.Command, words []string) (action, error) {
			call, err := a.readCall(c, words, args)
			if err == nil && c.Flags().Changed("ttl") && ttl < time.Millisecond {
				err = usage(c, "--ttl must be a millisecond or more")
			}
			return action{use: func(ctx context.Context, client *client) error {
				arguments, err := client.arguments(ctx, call)
				if err != nil {
					return err
				}
				var task *caisson.Task
				err = client.do(ctx, "tools/call", func(ctx context.Context) error {
					ctx = caisson.WithCallOptions(ctx, caisson.CallOptions{TaskTTL: ttl})
					task, err = client.session.StartTask(ctx, &mcp.CallToolParams{Name: call.tool, Arguments: arguments})
					return err
				})
				switch {
				case err != nil:
					return err
				case task.ID() == "":
					return a.printToolResult(client.session.Name(), call.String(), task.Started(), asJSON)
				case asJSON:
					return a.printf("%s\n", task.Started())
				}
				id := task.ID()
				if terminal.IsTerminal(a.out) {
					id = terminal.Visible(id)
				}
				return a.printf("%s\n", id)
			}}, err
		},
	}.command(a)
	argsFlag(c, &args)
	durationFlag(c, &ttl, "ttl", 0, "ask a server of revision 2025-11-25 to keep the task for `DURATION`")
	jsonFlag(c, &asJSON)
	return c
}

func (a *app) getTaskCommand() *cobra.Command {
	var asJSON bool
	c := sessionCommand{
		name: "get-task", operands: "TASK",
		short: "Print the status of a task",
		long: `Asks a server for the state of a task, and prints its status, which is working, input_required,
completed, failed or cancelled, and the server's message about it.

With --json the task is printed as the server sent it, including its questions.`,
		example: `  caisson get-task builds 786512e2
  caisson get-task https://mcp.example.com/mcp 786512e2 --json | jq .inputRequests`,
		begin: taskAction(func(ctx context.Context, client *client, id string) error {
			state, err := client.request(ctx, "tasks/get", map[string]any{"taskId": id})
			switch {
			case err != nil:
				return err
			case asJSON:
				return a.printf("%s\n", state)
			}
			_, lines := describeTask(state)
			return a.printf("%s\n", terminal.OneLine(lines[0], terminal.MaxLine))
		}),
	}.command(a)
	jsonFlag(c, &asJSON)
	return c
}

func (a *app) waitTaskCommand() *cobra.Command {
	var asJSON bool
	c := sessionCommand{
		name: "wait-task", operands: "TASK",
		short: "Wait for the end of a task and print its result",
		long: `Waits until a task is over and prints the result of its tool, as 'caisson call-tool' does. It asks
the task's questions on the terminal. When --timeout or an interrupt ends the waiting, the task goes
on.`,
		example: `  caisson wait-task builds 786512e2 --timeout 1h`,
		begin: taskAction(func(ctx context.Context, client *client, id string) error {
			defer a.progressed(nil)
			ctx = caisson.WithCallOptions(ctx, caisson.CallOptions{OnProgress: a.progressed})
			var result json.RawMessage
			err := client.do(ctx, "tasks/get", func(ctx context.Context) (err error) {
				result, err = client.session.Task(id).WaitRaw(ctx)
				return err
			})
			if err != nil {
				return err
			}
			return a.printToolResult(client.session.Name(), fmt.Sprintf("task %q", id), result, asJSON)
		}),
	}.command(a)
	jsonFlag(c, &asJSON)
	return c
}

func (a *app) updateTaskCommand() *cobra.Command {
	var args string
	var asJSON bool
	c := sessionCommand{
		name: "update-task", operands: "TASK",
		short: "Answer the questions of a task",
		long: `Answers the questions of a task in revision 2026-07-28: --args has the results of the task's
requests, by the keys that 'caisson get-task --json' shows. 'caisson wait-task' asks you instead.`,
		example: `  caisson update-task builds 786512e2 --args '{"name": {"action": "accept", "content": {"name": "Ada"}}}'`,
		begin: func(c *cobra.Command, operands []string) (action, error) {
			responses, err := a.readArguments(c, args)
			if err == nil && responses == nil {
				err = usage(c, "no answers are given: give them with --args")
			}
			if err != nil {
				return action{}, err
			}
			return taskAction(func(ctx context.Context, client *client, id string) error {
				result, err := client.request(ctx, "tasks/update", map[string]any{"taskId": id, "inputResponses": responses})
				return a.printDone(result, err, asJSON, "answered "+id)
			})(c, operands)
		},
	}.command(a)
	c.Flags().StringVar(&args, "args", "", "the answers: `JSON`, @FILE, or - for standard input")
	jsonFlag(c, &asJSON)
	return c
}

func (a *app) cancelTaskCommand() *cobra.Command {
	var asJSON bool
	c := sessionCommand{
		name: "cancel-task", operands: "TASK",
		short: "Ask a server to stop a task",
		long: `Asks a server to stop a task. The task may end in another way all the same: 'caisson get-task'
shows how.`,
		example: `  caisson cancel-task builds 786512e2`,
		begin: taskAction(func(ctx context.Context, client *client, id string) error {
			result, err := client.request(ctx, "tasks/cancel", map[string]any{"taskId": id})
			return a.printDone(result, err, asJSON, "asked to cancel "+id)
		}),
	}.command(a)
	jsonFlag(c, &asJSON)
	return c
}

func (a *app) listTasksCommand() *cobra.Command {
	return a.listCommand(listing{
		noun: "tasks", method: "tasks/list", member: "tasks",
		about:    `their ids and statuses. Revision 2026-07-28 has no such list.`,
		describe: describeTask,
	})
}

// taskAction returns an action that uses a task.
func taskAction(use func(ctx context.Context, client *client, id string) error) func(*cobra.Command, []string) (action, error) {
	return func(c *cobra.Command, operands []string) (action, error) {
		id, err := oneOperand(c, operands, "TASK")
		return action{use: func(ctx context.Context, client *client) error { return use(ctx, client, id) }}, err
	}
}

// printDone says that an operation is done, unless there was an error.
func (a *app) printDone(result json.RawMessage, err error, asJSON bool, done string) error {
	switch {
	case err != nil:
		return err
	case asJSON:
		return a.printf("%s\n", result)
	}
	return a.printf("%s\n", terminal.OneLine(done, terminal.MaxLine))
}

func describeTask(item json.RawMessage) (id string, lines []string) {
	var t caisson.TaskState
	_ = json.Unmarshal(item, &t) // A member of the wrong type stays empty.
	line := string(cmp.Or(t.Status, "unknown"))
	if t.StatusMessage != "" {
		line += ": " + t.StatusMessage
	}
	return t.TaskID, []string{line}
}
