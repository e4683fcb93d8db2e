package caisson

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/caisson/auth/keyring"
	"github.com/caisson-dev/caisson/host-go/caisson/pins"
	"github.com/caisson-dev/caisson/host-go/caisson/policyfile"
	"github.com/caisson-dev/caisson/host-go/internal/catalog"
	"github.com/caisson-dev/caisson/host-go/internal/egress"
	"github.com/caisson-dev/caisson/host-go/internal/engine"
	"github.com/caisson-dev/caisson/host-go/internal/record"
)

// bounds has a row for each of "What bounds what" in docs/architecture.md: what, its bound as the code
// has it, and its option. A row that is added there is added here, and the other way round.
func bounds(t *testing.T) [][3]string {
	const (
		mailbox   = "host-go/internal/engine/mailbox.go"
		cache     = "src/session/cache.ts"
		backoff   = "src/protocol/backoff.ts"
		idle      = "src/transport/idle-streams.ts"
		listen    = "src/session/listen.ts"
		connect   = "src/connection/connect.ts"
		policy    = "host-go/internal/egress/policy.go"
		component = "host-go/component/config.go"
		callback  = "host-go/caisson/auth/callback.go"
	)
	in := func(file, name string) int64 { return inSource(t, file, name) }
	d := Limits{}.withDefaults()
	return [][3]string{
		{"one message of a server's", mib(d.MaxMessageBytes), "MaxMessageBytes"},
		{"the memory of one session's core", mib(d.MaxMemoryBytes), "MaxMemoryBytes"},
		{"the core's time for one call or one batch of events: computing; in all", seconds(d.MaxGuestTime) + inText(t, "host-go/internal/engine/bounded.go", `overall = (\d+)`, "; %s times as long"), "MaxGuestTime"},
		{"the core's computing for timers, and for what it was refused at once", "half of the time", ""},
		{"connecting", seconds(d.ConnectTimeout), "ConnectTimeout"},
		{
			"a command that is silent, before a second one is asked in the older way",
			ms(in(connect, "FALLBACK_DELAY_MS")) + ", or half of the time for connecting", "ConnectTimeout",
		},
		{
			"waiting for the stream on which an older server asks over HTTP",
			inText(t, "src/connection/connection.ts", `STREAM_MS = \{ times: (\d+), least: (\d+), most: (\d+)000 \}`, "%s times the handshake, between %s ms and %s s"), "",
		},
		{"a call", "its context", "CallOptions"},
		{"calls of one session that have not settled", fmt.Sprint(engine.MaxCalls), ""},
		{"waiting as a server's `Retry-After` says, for one call", seconds(d.RetryBudget), "RetryBudget"},
		{
			"the pause before a server that is busy is asked again",
			fmt.Sprintf("%s, doubled up to %s; %d times", ms(in(backoff, "SHORTEST_MS")), ms(in(backoff, "LONGEST_FLOOR_MS")), in(backoff, "MOST_WAITS")),
			"RetryBudget",
		},
		{
			"the pause before a stream is begun anew",
			fmt.Sprintf("%s, doubled up to %s while nothing comes; %s at most", ms(in(backoff, "SHORTEST_MS")), ms(in(backoff, "LONGEST_FLOOR_MS")), ms(in(backoff, "LONGEST_MS"))),
			"",
		},
		{
			"the pause before a dropped subscription is asked for again",
			fmt.Sprintf("%s, doubled up to %s", ms(in(listen, "FIRST_DELAY_MS")), ms(in(listen, "LONGEST_DELAY_MS"))),
			"",
		},
		{
			"streams that a server leaves open after its answer",
			fmt.Sprintf("%d a connection, for %s each", in(idle, "MOST"), ms(in(idle, "GRACE_MS"))),
			"",
		},
		{"redirects of one exchange", fmt.Sprint(in(policy, "maxRedirects")), ""},
		{"sessions that are open at once, of all clients", fmt.Sprint(defaultMaxSessions), "MaxSessions"},
		{"the answer to a ping, and the pause before the next", map[time.Duration]string{0: "never"}[ClientOptions{}.KeepAlive], "KeepAlive"},
		{"starting an ended command again", map[int]string{0: "never"}[d.Restarts], "Restarts"},
		{"rounds of questions that one call, or its task, leads to", fmt.Sprint(d.InputRounds), "InputRounds"},
		{
			"polling a task",
			fmt.Sprintf("%d ms to %s apart, for as long as its call may take", in(backoff, "SHORTEST_POLL_MS"), map[int64]string{60_000: "a minute"}[in(backoff, "LONGEST_MS")]),
			"CallOptions",
		},
		{"questions of one server that wait for handlers", fmt.Sprintf("%d, then refused", engine.MaxQuestions), ""},
		{"notifications that wait for the handlers", fmt.Sprint(d.NotificationQueue), "NotificationQueue"},
		{"notifications, progress and questions that wait, in bytes", mib(d.MaxQueuedBytes) + ", or one of the largest messages if that is more", "MaxQueuedBytes"},
		{"pages of one list, for iterators and groups", fmt.Sprint(d.MaxListPages), "MaxListPages"},
		{"entries of one list, for iterators and groups", fmt.Sprint(d.MaxListItems), "MaxListItems"},
		{"all pages of one list, for iterators and groups", mib(d.MaxListBytes), "MaxListBytes"},
		{
			"results kept for their time to live, per session",
			fmt.Sprintf("%d, %d million characters, %s", in(cache, "MOST_RESULTS"), in(cache, "MOST_CHARACTERS")/1e6, map[int64]string{86_400_000: "a day"}[in(cache, "LONGEST_TTL_MS")]),
			"NoResultCache",
		},
		{"lists that a ListCache keeps, of all its sessions", mib(NewListCache(nil).maxBytes) + "; 10 s of a server that does not tell of changes", "ListCache"},
		{"messages that wait for a command to read them", mib(egress.MaxUnsent) + ", or two of the largest messages if that is more", "MaxMessageBytes"},
		{"requests on their way to a server over HTTP", mib(engine.MaxBodies) + ", or four of the largest messages if that is more", "MaxMessageBytes"},
		{"exchanges over HTTP of one session", fmt.Sprintf("%d, %d of them not for calls", egress.MaxExchanges, egress.MaxReplies), ""},
		{"connections of one session", fmt.Sprintf("%d, and %d for what is not for calls", egress.MaxRunning, egress.MaxRunningReplies), ""},
		{"requests that the host keeps for the core", fmt.Sprintf("%d, %s", engine.MaxTemplates, mib(engine.MaxTemplateBytes)), ""},
		{"commands of one session", fmt.Sprintf("%d at once; %d starts, and one more each second", egress.MaxPipes, egress.MaxStarts), ""},
		{"timers of one core", fmt.Sprint(engine.MaxTimers), ""},
		{"effects that are refused at once, and not yet delivered", fmt.Sprintf("%d, then the session ends", engine.MaxRefusals), ""},
		{"events that wait for the core", mib(in(mailbox, "mailboxRoom")) + ", and one for each that reads", ""},
		{"an answer of an authorization server", mib(inSource(t, "host-go/internal/egress/authorization.go", "maxAnswer")) + ", and " +
			inText(t, authorizing+"flow.go", `defaultAnswerTime = (\d+) \* time.Second`, "%s s"), ""},
		{"a secret that an authorization server gives", inText(t, authorizing+"reply.go", `longestSecret, longestMethod = (\d+) << 10, 64`, "%s KiB; ") +
			inText(t, authorizing+"flow.go", `mostSeen, mostSeenBytes = (\d+), (\d+) << 10`, "%s that came by are remembered, %s KiB together"), ""},
		{"what comes back from a person's browser", inText(t, authorizing+"login.go", `longestCallback = (\d+) << 10`, "%s KiB"), ""},
		{"waiting before requests of one turn to authorize go out again", seconds(d.RetryBudget), "RetryBudget"},
		{"the pause before such a request goes out again", inText(t, authorizing+"reader.go",
			`shortestPause, longestGrowth, longestPause = (100) \* time.Millisecond, (10) \* time.Second, time.Minute`,
			"%s ms, doubled up to %s s; 60 s where the authorization server asks for it"), "RetryBudget"},
		{"the pause before a turn that nobody waits for, after an authorization server could not answer", ms(inSource(t, "src/authorization/authorizer.ts", "QUIET_MS")), ""},
		{"the pause before a store is asked again to keep what it did not", inText(t, authorizing+"unsaved.go", `saveInterval = (\d+) \* time.Second`, "%s s, or the next turn"), ""},
		{"the pause between two questions whether a code was entered", ms(inSource(t, "src/authorization/fetch.ts", "INTERVAL_MS")) + "; " +
			ms(inSource(t, "src/authorization/fetch.ts", "LONGEST_INTERVAL_MS")) + " at most", ""},
		{"one turn to authorize, without the time that people take", inText(t, authorizing+"flow.go", `defaultTurnTime = (\d+) \* time.Minute`, "%s minutes and ") +
			inText(t, authorizing+"request.go", `mostRequests, mostPolls = (\d+),`, "%s requests; ") +
			inText(t, authorizing+"metadata.go", `mostServers = (\d+)`, "%s authorization servers"), ""},
		{"steps of authorizations of one session", inText(t, "host-go/internal/engine/authorization.go", `mostSteps, stepInterval = (\d+), time.Second`, "%s, and one more each second"), ""},
		{"asking a person to log in, for one session", inText(t, authorizing+"flow.go", `mostAsks, askInterval = (\d+), (\d+) \* time.Second`, "%s times, and once more each %s s"), ""},
		{"asking for another token, or for more scopes, for one request", inText(t, "src/authorization/authorizer.ts", `MOST_REFUSALS = (2);\nconst MOST_STEP_UPS = 2;`, "twice each%.0s"), ""},
		{"the revocation of tokens at a logout", inText(t, authorizing+"revoke.go", `longestRevocation = (\d+) \* time.Second`, "%s s for all of a login"), ""},
		{
			"a secret that a configuration refers to",
			fmt.Sprintf("%d KiB; %s for the keyring", inSource(t, "host-go/internal/reference/reference.go", "maxSecret")>>10, seconds(keyring.DefaultTimeout)), "",
		},
		{"the log of one session", fmt.Sprintf("%d lines, and %d more each second, of %d KiB", engine.MaxLines, engine.LinesASecond, engine.MaxLineLength>>10), ""},
		{"names that an attribute of a metric may have", fmt.Sprintf("%d, of %d bytes, then `_OTHER`", in("host-go/internal/semconv/labels.go", "maxLabels"), in("host-go/internal/semconv/labels.go", "maxNameBytes")), ""},
		{"one recording", mib(d.MaxRecordBytes), "MaxRecordBytes"},
		{"what waits for a recording's writer", fmt.Sprintf("%s, and %s at the end", mib(record.MaxWaiting), seconds(record.LastWait)), ""},
		{"the folder of compiled code", mib(in(component, "defaultCacheBytes")), ""},
		{"a person's login, and the wait for the port before it", inText(t, "host-go/caisson/auth/browser.go", `defaultWait = (\d+) \* time\.Minute`, "%s min each"), "Browser.Wait"},
		{
			"the listener of a login",
			fmt.Sprintf("%d connections, of %d KiB and ", in(callback, "maxConnections"), in(callback, "maxURLBytes")>>10) +
				inText(t, callback, `connectionTime = (\d+) \* time\.Second`, "%s s each"),
			"",
		},
		{"a token from a file, a variable or a command", fmt.Sprintf("%d KiB", in("host-go/caisson/auth/source.go", "maxSecretBytes")>>10), ""},
		{"one entry of a store of credentials", fmt.Sprintf("%d KiB, and %d KiB for its key", auth.MaxEntryBytes>>10, auth.MaxKeyBytes>>10), ""},
		{"a store of credentials", fmt.Sprintf("%d entries, %s", auth.MaxEntries, mib(auth.MaxStoreBytes)), ""},
		{"files of credentials that cannot be read and are set aside", fmt.Sprintf("%d, then an error", auth.MaxUnreadable), ""},
		{"waiting for another process to let go of the file of credentials", seconds(auth.MaxTurnWait), ""},
		{"waiting for the operating system's keyring", seconds(keyring.DefaultTimeout), "keyring.Key"},
		{"a script: computing; in all, without the time for which somebody is asked", seconds(defaultScriptComputing) + "; " + seconds(defaultScriptTime), "ScriptLimits.Computing`, `Time"},
		{"a script: fuel without waiting between", map[uint64]string{0: "what Computing allows"}[uint64(ScriptLimits{}.Fuel)], "ScriptLimits.Fuel"},
		{"a script: memory", mib(defaultScriptMemoryBytes), "ScriptLimits.MemoryBytes"},
		{
			"a script: its source; its log and value together",
			fmt.Sprintf("%d kB; %d kB", defaultScriptSourceBytes/1000, defaultScriptOutputBytes/1000), "ScriptLimits.SourceBytes`, `OutputBytes",
		},
		{fmt.Sprintf("a script: lines of the log, of %d KiB", maxScriptLine>>10), fmt.Sprint(defaultScriptLogLines), "ScriptLimits.LogLines"},
		{"a script: nesting of the value", fmt.Sprint(defaultScriptResultDepth), "ScriptLimits.ResultDepth"},
		{"a script: calls of tools; at once", fmt.Sprintf("%d; %d", defaultScriptToolCalls, defaultScriptParallelCalls), "ScriptLimits.ToolCalls`, `ParallelCalls"},
		{"a script: arguments of a call; its answer", mib(defaultScriptArgumentBytes) + "; " + mib(defaultScriptAnswerBytes), "ScriptLimits.ArgumentBytes`, `AnswerBytes"},
		{"a script: timers that are set", fmt.Sprint(defaultScriptTimers), "ScriptLimits.Timers"},
		{
			"scripts and instances of modules that are there at once, of all clients; instances of modules",
			fmt.Sprintf("%d for each processor, %d at least, and within GOMEMLIMIT; half of them", scriptsPerProcessor, leastScripts), "MaxScripts",
		},
		{"processes of guests at once, with `IsolationProcess`", fmt.Sprint(defaultMaxWorkers), "MaxWorkers"},
		{
			inText(t, "host-go/component/remote_watch.go", `starved = (\d+)`, "the answer of such a process after a deadline, or after %s times what its guest may compute; what it prints into the log"),
			inText(t, "host-go/component/remote.go", `remoteGrace = (\d+) \* time\.Second`, "%s s; ") + fmt.Sprintf("%d KiB", inSource(t, "host-go/internal/isolation/process.go", "mostPrinted")>>10), "",
		},
		{"scripts that tools of scripts run in turn, in each other", fmt.Sprint(maxScriptDepth), ""},
		{
			"asking a server that tells of changes for its tools, for a `ToolSet`",
			fmt.Sprintf("%s; then a pause of %s, doubled up to %s", seconds(followWithin), ms(shortestPause.Milliseconds()), ms(longestPause.Milliseconds())), "",
		},
		{
			"a run that sleeps: its bytes; its source, log and calls in them; how long",
			mib(defaultMaxSleepBytes) + "; " + mib(maxSleepHead) + fmt.Sprintf("; %d days", defaultMaxSleep/(24*time.Hour)), "MaxSleepBytes`, `MaxSleep",
		},
		{"a run that wakes: its memory", mib(d.MaxMemoryBytes), "MaxMemoryBytes"},
		{
			"a script in Python: a search of its tools, in a sandbox of its own",
			seconds(catalog.Computing) + " of computing, which count for the script, and " + mib(in("host-go/internal/catalog/catalog.go", "memoryBytes")), "",
		},
		{"the tools of a `ToolSet`", fmt.Sprintf("%d, %s, %d pages of one server", maxToolSetTools, mib(maxToolSetBytes), maxToolSetPages), ""},
		{"a policy's file", fmt.Sprintf("%s, %d levels", mib(policyfile.MaxBytes), in("host-go/caisson/policyfile/decode.go", "maxDepth")), ""},
		{"a lock file", mib(pins.MaxBytes), ""},
		{"principals and tools whose calls a policy counts; of them, the tools of one principal", fmt.Sprintf("%d; %d, then denied", in("host-go/caisson/policy/counts.go", "maxCounts"), in("host-go/caisson/policy/counts.go", "maxCountsOfOne")), ""},
		{"calls that wait for an approval", fmt.Sprintf("%d, then denied", in(approval, "maxWaiting")), "Governance.Approve"},
		{"approvals that last", fmt.Sprintf("%d, then asked again", in(approval, "maxKept")), ""},
		{"the wait for an approval", map[string]string{"time.Hour": "1 h"}[inText(t, approval, `defaultWithin = (\S+)`, "%s")], "Ask.Within"},
		{"definitions of each kind that a session keeps for the policy", fmt.Sprint(maxDefined), ""},
		{
			"one record of an audit log",
			fmt.Sprintf("%d KiB, %d KiB of arguments or of a result", in(auditRecord, "maxLine")>>10, in(auditRecord, "maxContent")>>10), "",
		},
		{"an audit log", fmt.Sprintf("%d files of %s", in(auditLog, "defaultFiles"), mib(in(auditLog, "defaultMaxBytes"))), "audit.Options"},
		{
			"a bearer token of a client; a file of them",
			fmt.Sprintf("%d KiB; %d tokens, %s", in(bearerFolder+"header.go", "maxTokenBytes")>>10, in(bearerFolder+"tokens.go", "maxTokens"), mib(in(bearerFolder+"tokens.go", "maxTokensBytes"))), "",
		},
		{
			"the metadata and the keys of an issuer of tokens",
			fmt.Sprintf("%s, %d keys", mib(in(bearerFolder+"issuer.go", "maxDocumentBytes")), in(bearerFolder+"issuer.go", "maxKeys")), "",
		},
		{"the configuration file of a client", mib(in("host-go/cmd/caisson/internal/install/client.go", "maxFileBytes")), ""},
		{"nesting of JSON", "about 200 levels, then `CodeInternal`", ""},
	}
}

const (
	approval     = "host-go/internal/gate/approval.go"
	auditRecord  = "host-go/caisson/audit/record.go"
	auditLog     = "host-go/caisson/audit/log.go"
	bearerFolder = "host-go/caisson/bearer/"
)

const authorizing = "host-go/internal/authorization/"

func mib(bytes int64) string { return fmt.Sprintf("%d MiB", bytes>>20) }

func seconds(d time.Duration) string { return fmt.Sprintf("%d s", d/time.Second) }

func ms(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d ms", n)
	}
	return fmt.Sprintf("%d s", n/1000)
}

// inText fills what a pattern finds in a source file into a text.
func inText(t *testing.T, file, pattern, text string) string {
	t.Helper()
	source, err := os.ReadFile("../../" + file)
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(pattern).FindStringSubmatch(string(source))
	if found == nil {
		t.Fatalf("%s has nothing that matches %s", file, pattern)
	}
	values := make([]any, len(found)-1)
	for i := range values {
		values[i] = found[i+1]
	}
	return fmt.Sprintf(text, values...)
}

// inSource reads a constant that another package, or the core, keeps to itself: a number, or a number
// that is shifted.
func inSource(t *testing.T, file, name string) int64 {
	t.Helper()
	text, err := os.ReadFile("../../" + file)
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)\b` + name + `\s*=\s*([\d_]+)(?: << (\d+))?;?\s*(?://.*)?$`).FindSubmatch(text)
	if found == nil {
		t.Fatalf("%s has no constant %s", file, name)
	}
	n, err := strconv.ParseInt(strings.ReplaceAll(string(found[1]), "_", ""), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	shift, _ := strconv.Atoi(string(found[2]))
	return n << shift
}

// TestBoundsAreDocumented compares "What bounds what" in docs/architecture.md with the code, both ways.
func TestBoundsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## What bounds what\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var rows [][3]string
	for line := range strings.Lines(section) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) != 5 || strings.HasPrefix(cells[1], "--") || strings.TrimSpace(cells[1]) == "what" {
			continue
		}
		rows = append(rows, [3]string{strings.TrimSpace(cells[1]), strings.TrimSpace(cells[2]), strings.Trim(strings.TrimSpace(cells[3]), "`")})
	}
	code := bounds(t)
	for _, row := range rows {
		if !slices.Contains(code, row) {
			t.Errorf("the document has %q, and the code does not say so", row)
		}
	}
	for _, row := range code {
		if !slices.Contains(rows, row) {
			t.Errorf("the code has %q, and the document does not say so", row)
		}
	}
}

// TestOptionsThatBound has every option that is a number or a time in the table.
func TestOptionsThatBound(t *testing.T) {
	code := bounds(t)
	fields := slices.Concat(reflect.VisibleFields(reflect.TypeFor[RuntimeOptions]()), reflect.VisibleFields(reflect.TypeFor[ClientOptions]()))
	for _, field := range fields {
		switch field.Type.Kind() {
		case reflect.Int, reflect.Int64:
			if !slices.ContainsFunc(code, func(row [3]string) bool { return slices.Contains(strings.Split(row[2], "`, `"), field.Name) }) {
				t.Errorf("the option %s is in no row of bounds", field.Name)
			}
		}
	}
}
