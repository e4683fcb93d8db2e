package main

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/internal/fieldname"
)

// TestPluginsOfScripts has scripts of each language call a plugin: what it returns, above 2^53 too, how it fails, and
// what is not granted.
func TestPluginsOfScripts(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	calcFile, _ := pluginFiles(t)
	const javascript = `
const { result } = await tools.numbers.sum({ a: 2n ** 60n, b: 1 })
const failed = await tools.numbers.check({ well: false }).catch(error => error.name)
return [result === 2n ** 60n + 1n, failed, await tools.numbers.hello({ name: 'you' })]`
	const python = `
result = (await tools.numbers.sum(a=2**60, b=1))["result"]
try:
    await tools.numbers.check(well=False)
except ToolError as error:
    failed = type(error).__name__
return [result == 2**60 + 1, failed, call_tool("numbers", "hello", {"name": "you"})]`
	for lang, source := range map[string]string{"js": javascript, "ts": "const one: number = 1;" + javascript, "py": python} {
		o := caissonRun(t, "run", "-e", source, "--lang", lang, "--plugin", "numbers="+calcFile)
		o.expect(t, exitOK)
		if !strings.HasPrefix(o.out, `[true,"ToolError",{"result":"`) {
			t.Errorf("%s: %s%s", lang, o.out, o.stderr)
		}
	}
	for _, c := range []struct {
		code int
		says string
		args []string
	}{
		{exitOK, "", []string{"run", "-e", "await tools.numbers.sum({a: 1, b: 2})", "--plugin", "numbers=" + calcFile, "--allow-tool", "numbers.sum"}},
		{exitScript, `has no tool "hello"`, []string{"run", "-e", "await call_tool('numbers', 'hello', {name: ''})", "--plugin", "numbers=" + calcFile, "--allow-tool", "numbers.sum"}},
		{exitUsage, `there are two of the name "calc"`, []string{"run", "-e", "1", "--plugin", calcFile, "--plugin", calcFile}},
		{exitUsage, `there are two of the name "demo"`, []string{"run", "-e", "1", "--tools", "demo", "--plugin", "demo=" + calcFile}},
		{exitUsage, "it takes files", []string{"run", "-e", "1", "--plugin", "oci://registry.example.com/a/b:1"}},
		{exitConnect, "none.wasm", []string{"run", "-e", "1", "--plugin", "none.wasm"}},
	} {
		caissonRun(t, c.args...).expect(t, c.code, c.says)
	}
	o := caissonRun(t, "types", "--plugin", "numbers="+calcFile)
	o.expect(t, exitOK)
	for _, want := range []string{"readonly numbers: NumbersServer;", "sum(args: NumbersSumArguments): Promise<NumbersSumResult>;"} {
		if !strings.Contains(o.out, want) {
			t.Errorf("the declarations lack %s\n%s", want, o.out)
		}
	}
}

// TestPolicyOfScriptsPlugins finds that a script reaches a plugin only as the policy grants it.
func TestPolicyOfScriptsPlugins(t *testing.T) {
	manyRuntimes(t)
	calcFile, _ := pluginFiles(t)
	withPolicy(t, "version: 1\nplugins:\n  calc:\n    tools: [sum]\n")
	caissonRun(t, "run", "-e", "await tools.calc.sum({a: 1, b: 2})", "--plugin", calcFile).expect(t, exitOK)
	caissonRun(t, "run", "-e", "await call_tool('calc', 'hello', {name: ''})", "--plugin", calcFile).expect(t, exitScript, "the policy may hide a tool")
	caissonRun(t, "run", "-e", "1", "--plugin", "other="+calcFile).expect(t, exitDenied, "the policy has nothing for the plugin")
	if o := caissonRun(t, "types", "--plugin", calcFile); strings.Contains(o.out, "hello") || !strings.Contains(o.out, "sum(") {
		t.Errorf("the declarations have what the policy does not grant:\n%s", o.out)
	}
}

// TestFlagsOfScriptLimits finds that each bound has a flag, which sets it.
func TestFlagsOfScriptLimits(t *testing.T) {
	t.Parallel()
	for field := range reflect.TypeFor[caisson.ScriptLimits]().Fields() {
		flag := strings.TrimPrefix(fieldname.AtCommandLine("ScriptLimits."+field.Name), "--")
		value := "17"
		if field.Type.String() == "time.Duration" {
			value = "17ns"
		}
		var flags scriptFlags
		c := (&app{}).runScriptCommand()
		c.ResetFlags()
		flags.register(c)
		if err := c.Flags().Set(flag, value); err != nil {
			t.Errorf("%s: %v", field.Name, err)
			continue
		}
		if got := reflect.ValueOf(flags.limits).FieldByName(field.Name); !strings.HasPrefix(fmt.Sprint(got), "17") {
			t.Errorf("--%s sets %s to %v", flag, field.Name, got)
		}
	}
}
