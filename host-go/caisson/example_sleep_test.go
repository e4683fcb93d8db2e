package caisson_test

import (
	"context"
	"os"
	"testing"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// These two are in docs/scripts.md.

func documentedSleep(ctx context.Context, runtime *caisson.Runtime, key []byte, tools *caisson.ToolSet) error {
	options := &caisson.ClientOptions{Sleeping: caisson.Sleeping{SleepKey: key}} // 32 random bytes, in both processes
	client, err := runtime.NewClient(options)
	if err != nil {
		return err
	}
	run, err := client.StartScript(ctx, caisson.Script{Source: "await sleep(3000); await tools.files.clean()", Tools: tools})
	if err != nil {
		return err
	}
	asleep, err := run.Sleep(ctx)
	if err != nil {
		return err
	}
	if err := os.WriteFile("run", asleep, 0o600); err != nil {
		return err
	}
	return client.Close()
}

func documentedWake(ctx context.Context, client *caisson.Client, tools *caisson.ToolSet, value *string) error {
	asleep, err := os.ReadFile("run")
	if err != nil {
		return err
	}
	run, err := client.Wake(ctx, asleep, caisson.Waking{Tools: tools})
	if err != nil {
		return err
	}
	result, err := run.Wait()
	if err == nil {
		*value = string(result.Value)
	}
	return err
}

// TestSleepDocumented runs what docs/scripts.md shows, with the claims where they are by default.
func TestSleepDocumented(t *testing.T) {
	runtime := sharedRuntime(t) // with the cache where it is
	t.Chdir(t.TempDir())
	for _, name := range []string{"HOME", "XDG_CONFIG_HOME", "AppData"} {
		t.Setenv(name, t.TempDir())
	}
	cleaned := 0
	fs := &caisson.Functions{}
	if err := caisson.AddFunction(fs, "clean", "", func(context.Context, struct{}) (string, error) { cleaned++; return "clean", nil }); err != nil {
		t.Fatal(err)
	}
	tools := toolSet(t, map[string]caisson.Caller{"files": fs})
	if err := documentedSleep(testContext(t), runtime, sleepKey, tools); err != nil {
		t.Fatal(err)
	}
	client := newClient(t, caisson.ClientOptions{Sleeping: caisson.Sleeping{SleepKey: sleepKey}})
	var value string
	if err := documentedWake(testContext(t), client, tools, &value); err != nil || value != `"clean"` || cleaned != 1 {
		t.Errorf("%s, %v, cleaned %d times", value, err, cleaned)
	}
	if err := documentedWake(testContext(t), client, tools, &value); sleepCode(err) != caisson.SleepClaimed {
		t.Errorf("once more: %v", err)
	}
}
