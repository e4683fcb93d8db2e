package main

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

func TestHelp(t *testing.T) {
	for _, command := range []string{
		"", "list-tools", "call-tool", "list-resources", "list-resource-templates", "read-resource",
		"subscribe", "unsubscribe", "list-prompts", "get-prompt", "complete", "list-skills", "get-skill", "read-skill", "types",
		"set-logging-level", "ping", "listen", "serve", "run", "wake", "run-function", "replay", "demo", "demo-server", "version",
		"cache", "cache warm", "cache path", "cache clear",
	} {
		t.Run(command, func(t *testing.T) {
			o := caissonRun(t, append(strings.Fields(command), "--help")...)
			o.expect(t, exitOK)
			golden(t, strings.TrimSuffix("help-"+strings.ReplaceAll(command, " ", "-"), "-"), o.out)
		})
	}
	t.Run("no arguments at all", func(t *testing.T) {
		if o, help := caissonRun(t), caissonRun(t, "--help"); o != help {
			t.Errorf("the output is %+v", o)
		}
	})
}

func TestUsageErrors(t *testing.T) {
	const server = "http://127.0.0.1:9/mcp" // No test here gets as far as connecting.
	for line, want := range map[string]string{
		"nothing":                                   `there is no command "nothing"`,
		"versoin":                                   `did you mean version?`,
		"cache what":                                `there is no command "what"`,
		"version now":                               `"now" is one argument too many`,
		"--nonsense":                                `unknown flag: --nonsense`,
		"list-tools":                                `no server is given`,
		"types":                                     `no server is given`,
		"types a --lang cobol":                      `there are no declarations in "cobol": --lang is ts or py`,
		"types a b --record x":                      `--record records one server`,
		"list-tools --":                             `there is no command after --`,
		"list-tools a b":                            `"b" is one argument too many`,
		"list-tools npx -y some-server":             `unknown shorthand flag: 'y'; a server's command stands after --, with its flags`,
		"list-tools a --port 1":                     `unknown flag: --port; a server's command stands after --, with its flags`,
		"list-tools a -- b":                         `"a" is one argument too many`,
		"list-tools a --timeout x":                  `invalid argument "x" for "--timeout" flag: it is neither seconds, such as 30, nor a duration, such as 1m30s`,
		"auth login a --callback-port x":            `invalid argument "x" for "--callback-port" flag: it is not a whole number`,
		"auth login a --wait-for-auth x":            "it is neither seconds, such as 30, nor a duration",
		"list-tools a --timeout 1e99":               "it is neither seconds",
		"list-tools a --timeout 0s":                 `--timeout must be more than 0`,
		"list-tools --transport ws " + server:       `--transport "ws" is not known: use http, sse or stdio`,
		"list-tools --transport stdio " + server:    `a URL is spoken to over http or sse, not stdio`,
		"list-tools --transport http -- b":          `a command is spoken to over stdio, not http`,
		"list-tools --header A:b -- b":              `--header is for a server with a URL`,
		"list-tools --header A " + server:           `--header number 1 is not a name, a ":" and a value, such as 'Name: value'`,
		"list-tools --env A=b " + server:            `--env, --cwd and --inherit-env are for a command`,
		"list-tools --cwd / " + server:              `--env, --cwd and --inherit-env are for a command`,
		"list-tools --inherit-env " + server:        `--env, --cwd and --inherit-env are for a command`,
		"list-tools --env A -- b":                   `--env number 1 is not a name, a "=" and a value, such as NAME=value`,
		"list-tools ftp://127.0.0.1/":               `the URL is not an absolute http or https URL`,
		"list-tools http://user:pw@127.0.0.1/":      `put it into an Authorization header`,
		"list-tools --config testdata/none.json a":  `testdata/none.json`,
		"call-tool":                                 `no server is given`,
		"call-tool a":                               `no tool is given`,
		"call-tool -- b":                            `no tool is given`,
		"call-tool a b c":                           `"c" is not an argument of the form name=value`,
		"call-tool a b {}":                          "JSON is given by --args",
		"call-tool a b =c":                          `"=c" is not an argument of the form name=value`,
		"call-tool a b c=1 c=2":                     `the argument "c" is given twice`,
		"call-tool " + server + " b --args":         `flag needs an argument: --args`,
		"call-tool " + server + " b --args=":        `--args is empty`,
		"call-tool " + server + " b --args {":       `--args is not JSON: unexpected end of JSON input`,
		"call-tool " + server + " b --args [1]":     `--args is not a JSON object`,
		"call-tool " + server + " b --args null":    `--args is not a JSON object`,
		"call-tool " + server + " b --args @none":   `open none: `,
		"call-tool " + server + " b --args -":       `standard input is not JSON: unexpected end of JSON input`,
		"list-tools --log-level loud " + server:     `there is no level "loud": there are debug, info, `,
		"list-tools --protocol-version 1 " + server: `there is no revision 1 of the protocol here`,
		"list-prompts a b":                          `"b" is one argument too many`,
		"read-resource a":                           `no URI is given`,
		"read-resource a b c":                       `"c" is one argument too many`,
		"subscribe a":                               `no URI is given`,
		"subscribe a b --for 0s":                    `--for must be more than 0`,
		"unsubscribe a":                             `no URI is given`,
		"get-prompt a":                              `no prompt is given`,
		"get-prompt a b c":                          `"c" is not an argument of the form name=value`,
		"complete a b=":                             `give --prompt or --template: the argument belongs to it`,
		"complete a b= --prompt c --template d":     `give --prompt or --template: the argument belongs to it`,
		"complete a --prompt c":                     `no argument is given`,
		"set-logging-level a":                       `no level is given`,
		"set-logging-level a loud":                  `there is no level "loud"`,
		"ping a b":                                  `"b" is one argument too many`,
		"listen a b":                                `"b" is one argument too many`,
		"demo-server --stateless":                   `--stateless and --json-response are for --http`,
		"demo-server --http nonsense":               `missing port in address`,
	} {
		t.Run(line, func(t *testing.T) {
			o := caissonRun(t, strings.Fields(line)...)
			o.expect(t, exitUsage, want)
			if o.out != "" {
				t.Errorf("standard output has %q", o.out)
			}
			if lines := strings.Count(o.stderr, "\n"); lines > 2 || !strings.HasPrefix(o.stderr, "caisson: ") {
				t.Errorf("the error is not a line or two of the program's:\n%s", o.stderr)
			}
		})
	}
}

func TestExitCode(t *testing.T) {
	coded := func(code caisson.Code) error { return &caisson.Error{Code: code} }
	for _, test := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{&toolError{}, 1},
		{&usageError{err: errors.New("x")}, 2},
		{coded(caisson.CodeInvalidArgument), 2},
		{&connectError{coded(caisson.CodeInvalidArgument)}, 2},
		{coded(caisson.CodeConnect), 3},
		{&connectError{coded(caisson.CodeHTTP)}, 3},
		{&connectError{coded(caisson.CodeProtocol)}, 3},
		{&connectError{coded(caisson.CodeRefused)}, 3},
		{&connectError{coded(caisson.CodeTimeout)}, 5},
		{coded(caisson.CodeTimeout), 5},
		{coded(caisson.CodeTransport), 4},
		{coded(caisson.CodeProtocol), 4},
		{coded(caisson.CodeRPC), 4},
		{coded(caisson.CodeTrap), 4},
		{coded(caisson.CodeInternal), 4},
		{errors.New("writing the result: no space"), 4},
	} {
		if got := exitCode(test.err); got != test.want {
			t.Errorf("%#v ends with %d, want %d", test.err, got, test.want)
		}
	}
}

func TestVersion(t *testing.T) {
	o := caissonRun(t, "version")
	o.expect(t, exitOK)
	form := `^caisson +\d+\.\d+\.\d+\S*
component +[0-9a-f]{12}
SDK +@modelcontextprotocol/client \d+\.\d+\.\d+\S*
protocol +20\d\d-\d\d-\d\d(, 20\d\d-\d\d-\d\d)*
go +go1\.\S+ \w+/\w+
wazero +\S+
$`
	if !regexp.MustCompile(form).MatchString(o.out) {
		t.Errorf("the output is\n%s", o.out)
	}

	o = caissonRun(t, "version", "--json")
	o.expect(t, exitOK)
	var v version
	if err := json.Unmarshal([]byte(o.out), &v); err != nil {
		t.Fatal(err)
	}
	info := caisson.ComponentInfo()
	if v.Version != caisson.Version || v.Component != info.Bundle || v.SDK != info.SDK || len(v.Protocol) != len(info.Revisions) {
		t.Errorf("the versions are %+v", v)
	}
}
