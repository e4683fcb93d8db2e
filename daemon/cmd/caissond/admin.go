package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/gen/caisson/v1/caissonv1connect"
)

// adminCommand has a command for each method of the AdminService, of the same name.
func adminCommand() *cobra.Command {
	var r remote
	c := &cobra.Command{
		Use:   "admin",
		Short: "Ask and tell a daemon that runs, as its owner: the AdminService",
		Long: `Asks a daemon that runs, or tells it to do something. Each command is the method of AdminService of the same name; who
calls needs the scope caisson:admin, which the token has that the daemon makes for the user of this machine.

Where several daemons share NATS, each answers for all of them: lists are of all daemons, or of the one in --daemon; what
changes something is for the daemon that is asked, for the one in --daemon, or with --daemon '*' for all. The names are
those of list-daemons. Daemons that do not answer are on standard error, and the exit code is 4.

The exit codes are those of 'caisson'.`,
		Example: `  caissond admin list-daemons
  caissond admin drain-server files --daemon '*'
  caissond admin list-approvals --addr unix:/run/caisson.sock --json`,
		Args: cobra.NoArgs,
	}
	r.flags(c)
	c.AddCommand(
		listDaemonsCommand(&r), listServersCommand(&r), listAllSessionsCommand(&r), checkPolicyCommand(&r), getPolicyCommand(&r),
		reloadCommand(&r), listPinsCommand(&r), comparePinsCommand(&r), approvePinsCommand(&r), forgetPinsCommand(&r),
		listApprovalsCommand(&r), answerApprovalCommand(&r), drainCommand(&r), drainServerCommand(&r), resumeServerCommand(&r),
	)
	return c
}

// ofDaemon adds the flag of what lists, which is of all daemons.
func ofDaemon(c *cobra.Command, name *string) *cobra.Command {
	c.Flags().StringVar(name, "daemon", "", "of the daemon `NAME` (default: of all)")
	return c
}

// byDaemon adds the flag of what is done by one daemon, or by all.
func byDaemon(c *cobra.Command, name *string) *cobra.Command {
	c.Flags().StringVar(name, "daemon", "", "by the daemon `NAME`, or '*' for all (default: the one that is asked)")
	return c
}

func listDaemonsCommand(r *remote) *cobra.Command {
	var q caissonv1.ListDaemonsRequest
	return ofDaemon(&cobra.Command{
		Use: "list-daemons", Short: "List the daemons that share NATS, with what each has underway", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return adminCall(c, r, caissonv1connect.AdminServiceClient.ListDaemons, &q, func(t *table, a *caissonv1.ListDaemonsResponse) { showDaemons(t, a.GetDaemons()) })
		},
	}, &q.Daemon)
}

func showDaemons(t *table, all []*caissonv1.Daemon) {
	t.head("DAEMON", "HOST", "VERSION", "STARTED", "SESSIONS", "CALLS", "RUNS", "POLICY", "STATE")
	for _, d := range all {
		t.row(d.GetName(), d.GetHost(), d.GetVersion(), d.GetStarted(), d.GetSessions(), d.GetCalls(), d.GetRuns(), short(d.GetPolicy()), yes(d.GetDraining(), "draining"))
	}
}

// short is the beginning of a hash, for the eye.
func short(hash string) string { return hash[:min(12, len(hash))] }

func listServersCommand(r *remote) *cobra.Command {
	var q caissonv1.ListServersRequest
	return ofDaemon(&cobra.Command{
		Use: "list-servers", Short: "List the servers of the configuration, and how they are", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return adminCall(c, r, caissonv1connect.AdminServiceClient.ListServers, &q, func(t *table, a *caissonv1.ListServersResponse) {
				showServers(t, a.GetServers())
				for _, set := range a.GetSets() {
					t.line(set.GetName() + " stands for " + strings.Join(set.GetServers(), ", ") + onDaemon(set.GetDaemon()))
				}
			})
		},
	}, &q.Daemon)
}

func onDaemon(name string) string {
	if name == "" {
		return ""
	}
	return " on " + name
}

func showServers(t *table, all []*caissonv1.ConfiguredServer) {
	t.head("SERVER", "DAEMON", "SESSIONS", "CALLS", "STATE", "ERROR")
	for _, s := range all {
		state := "ready"
		switch {
		case s.GetDisabled():
			state = "disabled"
		case s.GetDraining():
			state = "draining"
		case s.GetReopens() != nil:
			state = "unreachable"
		}
		t.row(s.GetName(), s.GetDaemon(), s.GetSessions(), s.GetUnderway(), state, cmp.Or(s.GetError(), s.GetLastError()))
	}
}

func listAllSessionsCommand(r *remote) *cobra.Command {
	var q caissonv1.ListAllSessionsRequest
	c := ofDaemon(&cobra.Command{
		Use: "list-all-sessions", Short: "List the open sessions of all principals", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return adminCall(c, r, caissonv1connect.AdminServiceClient.ListAllSessions, &q, func(t *table, a *caissonv1.ListAllSessionsResponse) {
				t.head("SESSION", "SERVER", "PRINCIPAL", "DAEMON", "USED", "CALLS", "STATE")
				for _, s := range a.GetSessions() {
					t.row(s.GetId(), s.GetServer(), s.GetPrincipal(), s.GetDaemon(), s.GetUsed(), s.GetUnderway(), yes(s.GetShared(), "shared"))
				}
			})
		},
	}, &q.Daemon)
	c.Flags().StringVar(&q.Principal, "principal", "", "of the principal `NAME` (default: of all)")
	c.Flags().StringVar(&q.Server, "server", "", "with the server `NAME` (default: with all)")
	return c
}

func checkPolicyCommand(r *remote) *cobra.Command {
	var q caissonv1.CheckPolicyRequest
	var arguments string
	c := &cobra.Command{
		Use: "check-policy SERVER NAME", Short: "Say what the policy decides about a call, without making it", Args: cobra.ExactArgs(2),
		Example: `  caissond admin check-policy files write_file --principal alice --arguments '{"path": "/etc/passwd"}'`,
		RunE: func(c *cobra.Command, args []string) error {
			q.Server, q.Name, q.Arguments = args[0], args[1], []byte(arguments)
			return adminCall(c, r, caissonv1connect.AdminServiceClient.CheckPolicy, &q, func(t *table, a *caissonv1.CheckPolicyResponse) {
				t.head("EFFECT", "RULE", "REASON", "POLICY", "MESSAGE")
				t.row(a.GetEffect(), a.GetRule(), a.GetReason(), short(a.GetPolicy()), a.GetMessage())
			})
		},
	}
	f := c.Flags()
	f.StringVar(&q.Kind, "kind", "tool", "NAME is that of a `tool|resource|prompt|method`")
	f.StringVar(&arguments, "arguments", "", "the arguments, a `JSON` object (default {})")
	f.StringVar(&q.Principal, "principal", "", "on behalf of the principal `NAME` (default: who asks)")
	f.StringVar(&q.Caller, "caller", "rpc", "the call is made by `rpc|script`")
	f.BoolVar(&q.ReadOnly, "read-only", false, "the tool is annotated as read-only")
	f.StringVar(&q.Daemon, "daemon", "", "by the policy of the daemon `NAME` (default: the one that is asked)")
	return c
}

func getPolicyCommand(r *remote) *cobra.Command {
	var q caissonv1.GetPolicyRequest
	c := &cobra.Command{
		Use: "get-policy", Short: "Print the rules that hold, and say which policy holds on each daemon", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return adminCall(c, r, caissonv1connect.AdminServiceClient.GetPolicy, &q, func(t *table, a *caissonv1.GetPolicyResponse) {
				t.head("DAEMON", "POLICY")
				for _, h := range a.GetHeld() {
					t.row(h.GetDaemon(), h.GetPolicy())
				}
				var rules any
				if json.Unmarshal(a.GetRules(), &rules) != nil {
					t.line("there is no policy: everything is allowed")
					return
				}
				text, _ := json.MarshalIndent(rules, "", "  ") // It came as JSON.
				for line := range strings.SplitSeq(string(text), "\n") {
					t.line(line)
				}
			})
		},
	}
	c.Flags().StringVar(&q.Daemon, "daemon", "", "the rules of the daemon `NAME` (default: of the one that is asked, and which policy the others have)")
	return c
}

func reloadCommand(r *remote) *cobra.Command {
	var q caissonv1.ReloadRequest
	return byDaemon(&cobra.Command{
		Use: "reload", Short: "Have the configuration, the servers, the policy and the lock file read again", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return adminCall(c, r, caissonv1connect.AdminServiceClient.Reload, &q, func(*table, *caissonv1.ReloadResponse) {})
		},
	}, &q.Daemon)
}

// pinText is a definition as a word: its kind, its hash and its name.
func pinText(p *caissonv1.Pin) string { return p.GetKind() + ":" + p.GetHash() + ":" + p.GetName() }

// readPins reads words of pinText.
func readPins(words []string) (all []*caissonv1.Pin, err error) {
	for _, word := range words {
		parts := strings.SplitN(word, ":", 3) // A name may have colons.
		if len(parts) != 3 {
			return nil, usage("%q is no PIN, such as compare-pins and list-pins print it: KIND:HASH:NAME", word)
		}
		all = append(all, &caissonv1.Pin{Kind: parts[0], Hash: parts[1], Name: parts[2]})
	}
	return all, nil
}

func listPinsCommand(r *remote) *cobra.Command {
	var q caissonv1.ListPinsRequest
	return ofDaemon(&cobra.Command{
		Use: "list-pins [SERVER]", Short: "List what of a server, or of all, is approved", Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			q.Server = strings.Join(args, "")
			return adminCall(c, r, caissonv1connect.AdminServiceClient.ListPins, &q, func(t *table, a *caissonv1.ListPinsResponse) {
				t.head("SERVER", "DAEMON", "PIN")
				for _, p := range a.GetPins() {
					t.row(p.GetServer(), p.GetDaemon(), pinText(p))
				}
			})
		},
	}, &q.Daemon)
}

func comparePinsCommand(r *remote) *cobra.Command {
	var q caissonv1.ComparePinsRequest
	return byDaemon(&cobra.Command{
		Use: "compare-pins SERVER", Short: "Connect with a server, and say how what it offers differs from what is approved",
		Long: `Connects with a server, without the policy, and says how what it offers differs from what is approved. Where something is
not approved the exit code is 1; approve-pins takes the words of the column PIN.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			q.Server = args[0]
			answer, err := ask(c, r, caissonv1connect.NewAdminServiceClient, caissonv1connect.AdminServiceClient.ComparePins, &q, showCompared)
			if err != nil {
				return err
			}
			for _, o := range answer.GetOffers() {
				if o.GetState() != "approved" {
					return &exitError{exitDifference, fmt.Errorf("%s offers what is not approved", q.GetServer())}
				}
			}
			if answer.GetServer() != "approved" || len(answer.GetGone()) > 0 || answer.GetUnreadable() > 0 {
				return &exitError{exitDifference, fmt.Errorf("%s is not as it was approved", q.GetServer())}
			}
			return nil
		},
	}, &q.Daemon)
}

func showCompared(t *table, a *caissonv1.ComparePinsResponse) {
	t.head("STATE", "DAEMON", "PIN")
	for _, of := range a.GetCompared() {
		t.row(of.GetServer(), of.GetDaemon(), "the server")
		if n := of.GetUnreadable(); n > 0 {
			t.line(fmt.Sprintf("%d items could be read in two ways, and cannot be approved", n))
		}
	}
	for _, o := range a.GetOffers() {
		t.row(o.GetState(), o.GetPin().GetDaemon(), pinText(o.GetPin()))
		for _, change := range o.GetChanges() {
			t.line(change)
		}
	}
	for _, p := range a.GetGone() {
		t.row("gone", p.GetDaemon(), pinText(p))
	}
}

func approvePinsCommand(r *remote) *cobra.Command {
	var q caissonv1.ApprovePinsRequest
	return byDaemon(&cobra.Command{
		Use: "approve-pins SERVER [PIN...]", Short: "Approve definitions that compare-pins has shown, and who the server is", Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) (err error) {
			q.Server = args[0]
			if q.Pins, err = readPins(args[1:]); err != nil {
				return err
			}
			return adminCall(c, r, caissonv1connect.AdminServiceClient.ApprovePins, &q, func(*table, *caissonv1.ApprovePinsResponse) {})
		},
	}, &q.Daemon)
}

func forgetPinsCommand(r *remote) *cobra.Command {
	var q caissonv1.ForgetPinsRequest
	return byDaemon(&cobra.Command{
		Use: "forget-pins SERVER [PIN...]", Short: "Take approvals back, by default all of the server, and who it is", Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) (err error) {
			q.Server = args[0]
			if q.Pins, err = readPins(args[1:]); err != nil {
				return err
			}
			return adminCall(c, r, caissonv1connect.AdminServiceClient.ForgetPins, &q, func(*table, *caissonv1.ForgetPinsResponse) {})
		},
	}, &q.Daemon)
}

func listApprovalsCommand(r *remote) *cobra.Command {
	var q caissonv1.ListApprovalsRequest
	return ofDaemon(&cobra.Command{
		Use: "list-approvals", Short: "List the calls that wait for somebody to say yes", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return adminCall(c, r, caissonv1connect.AdminServiceClient.ListApprovals, &q, func(t *table, a *caissonv1.ListApprovalsResponse) {
				t.head("ID", "PRINCIPAL", "CALLER", "SERVER", "NAME", "DAEMON", "UNTIL")
				for _, of := range a.GetApprovals() {
					t.row(of.GetId(), of.GetPrincipal(), of.GetCaller(), of.GetServer(), of.GetName(), of.GetDaemon(), of.GetUntil())
					t.line(string(of.GetArguments()))
					for _, text := range []string{of.GetText(), of.GetLasting()} {
						if text != "" {
							t.line(text)
						}
					}
				}
			})
		},
	}, &q.Daemon)
}

func answerApprovalCommand(r *remote) *cobra.Command {
	var q caissonv1.AnswerApprovalRequest
	var deny bool
	c := &cobra.Command{
		Use: "answer-approval ID", Short: "Say yes or no to a call that waits, on whichever daemon it does", Args: cobra.ExactArgs(1),
		Long: `Says yes or no to a call that waits, on whichever daemon it does. Nobody says yes to a call of their own.`,
		Example: `  caissond admin answer-approval 8aa62f86 --approve --once
  caissond admin answer-approval 8aa62f86 --deny`,
		RunE: func(c *cobra.Command, args []string) error {
			if q.Id = args[0]; deny && q.GetOnce() {
				return usage("--once is for a yes: use it with --approve")
			}
			return adminCall(c, r, caissonv1connect.AdminServiceClient.AnswerApproval, &q, func(*table, *caissonv1.AnswerApprovalResponse) {})
		},
	}
	c.Flags().BoolVar(&q.Approve, "approve", false, "the call may be made")
	c.Flags().BoolVar(&deny, "deny", false, "it may not")
	c.Flags().BoolVar(&q.Once, "once", false, "say yes to this call alone, whatever the policy allows")
	c.MarkFlagsMutuallyExclusive("approve", "deny")
	c.MarkFlagsOneRequired("approve", "deny")
	return c
}

func drainCommand(r *remote) *cobra.Command {
	var q caissonv1.DrainRequest
	return byDaemon(&cobra.Command{
		Use: "drain", Short: "Have a daemon take nothing new, and end when the calls that are underway have", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return adminCall(c, r, caissonv1connect.AdminServiceClient.Drain, &q, func(t *table, a *caissonv1.DrainResponse) {
				showDaemons(t, a.GetDaemons())
				if n := a.GetAsleep(); n > 0 {
					t.line(fmt.Sprintf("%d runs sleep in the store: keep a daemon of this build until they have ended", n))
				}
			})
		},
	}, &q.Daemon)
}

func drainServerCommand(r *remote) *cobra.Command {
	var q caissonv1.DrainServerRequest
	return byDaemon(&cobra.Command{
		Use: "drain-server SERVER", Short: "Have a server get nothing new, until resume-server", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			q.Server = args[0]
			return adminCall(c, r, caissonv1connect.AdminServiceClient.DrainServer, &q, func(t *table, a *caissonv1.DrainServerResponse) { showServers(t, a.GetServers()) })
		},
	}, &q.Daemon)
}

func resumeServerCommand(r *remote) *cobra.Command {
	var q caissonv1.ResumeServerRequest
	return byDaemon(&cobra.Command{
		Use: "resume-server SERVER", Short: "Undo drain-server", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			q.Server = args[0]
			return adminCall(c, r, caissonv1connect.AdminServiceClient.ResumeServer, &q, func(t *table, a *caissonv1.ResumeServerResponse) { showServers(t, a.GetServers()) })
		},
	}, &q.Daemon)
}

// wrong marks what is wrong with the command line of a command that has others below it, and of those.
func wrong(c *cobra.Command) *cobra.Command {
	c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &exitError{exitUsage, err} })
	for _, of := range append(c.Commands(), c) {
		args := of.Args
		of.Args = func(c *cobra.Command, words []string) error {
			err := args(c, words)
			if err == nil {
				err = c.ValidateFlagGroups()
			}
			if err != nil {
				return &exitError{exitUsage, err}
			}
			return nil
		}
	}
	return c
}
